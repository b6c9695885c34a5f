"""Commands that work on one stack come one after the other; on two stacks they do not wait."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from localcloud.stack_lock import alone, hold

WORK = """
import sys
from pathlib import Path
from localcloud.stack_lock import alone
with alone(Path(sys.argv[1]), lambda said: print(said, flush=True)):
    print("at work", flush=True)
    sys.stdin.readline()
"""
Command = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Starts a command that works on a stack until a line comes."""
    monkeypatch.setenv("CONTENTGEN_CACHE", str(tmp_path / "cache"))

    def start(stack: str) -> subprocess.Popen[str]:
        arguments = [sys.executable, "-c", WORK, str(tmp_path / stack)]
        return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    return start


def line(of: subprocess.Popen[str]) -> str:
    assert of.stdout is not None
    return of.stdout.readline().strip()


@pytest.mark.parametrize("end", ["its work", "a kill"])
def test_a_second_command_names_the_first_and_waits_for_its_end_however_that_comes(command: Command, end: str) -> None:
    with command("local") as first, command("dev") as apart:
        assert (line(first), line(apart)) == ("at work", "at work")
        with command("local") as second:
            assert line(second).startswith(f"process {first.pid} (-c ")
            if end == "a kill":
                first.kill()
            else:
                first.communicate("\n")
            assert line(second) == "at work"
            second.communicate("\n")
        apart.communicate("\n")


def test_a_command_within_a_command_has_the_lock_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTENTGEN_CACHE", str(tmp_path / "cache"))
    said: list[str] = []
    stack = tmp_path / "local"
    for _ in range(2):
        with alone(stack, said.append), alone(stack, said.append):
            hold(stack, said.append)
    assert said == []


def test_a_stack_is_free_again_after_a_command_that_failed(command: Command, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), alone(tmp_path / "local", print):
        raise RuntimeError
    with command("local") as next_one:
        assert line(next_one) == "at work"
        next_one.communicate("\n")
