"""Logs, changes and keys of ``contentgen dev``."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
import termios
from pathlib import Path

import pytest
from watchfiles import Change

from ops.development import changes
from ops.development.keys import pressed
from ops.development.logs import COLOURS, Follower, Line, Painter


def _log(folder: Path, pod: str, region: str = "us-east-1") -> Path:
    path = folder / "regions" / region / "logs" / "contentgen" / f"{pod}.main.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_lines_of_all_pods_come_whole_and_once_and_not_those_of_before(tmp_path: Path) -> None:
    first = _log(tmp_path, "cpm-1")
    first.write_text("long ago\n")
    follower = Follower(tmp_path)
    follower.skip()
    _append(first, "one\ntw")
    _append(_log(tmp_path, "worker-1", "eu-west-1"), "of a new pod\n")
    assert set(follower.lines()) == {Line("us-east-1", "cpm-1", "one"), Line("eu-west-1", "worker-1", "of a new pod")}
    _append(first, "o\n")
    assert list(follower.lines()) == [Line("us-east-1", "cpm-1", "two")]
    assert list(follower.lines()) == []


def test_a_log_that_was_made_anew_is_read_from_its_start_and_one_that_went_is_passed_over(tmp_path: Path) -> None:
    log = _log(tmp_path, "cpm-1")
    log.write_text("a long line of before\nhalf")
    follower = Follower(tmp_path)
    assert [line.text for line in follower.lines()] == ["a long line of before"]
    log.write_text("new\n")
    assert [line.text for line in follower.lines()] == ["new"]
    log.unlink()
    assert list(follower.lines()) == []


def test_each_pod_keeps_a_colour_of_its_own_and_the_region_is_named_where_there_are_several() -> None:
    painter = Painter(1)
    shown = [painter.painted(Line("us-east-1", pod, "text")) for pod in ("cpm-1", "im-1", "cpm-1")]
    assert [text.plain for text in shown] == ["cpm-1 text", "im-1 text", "cpm-1 text"]
    assert [str(text.spans[0].style) for text in shown] == [COLOURS[0], COLOURS[1], COLOURS[0]]
    assert Painter(3).painted(Line("us-east-1", "cpm-1", "text")).plain == "us-east-1 cpm-1 text"


def test_control_characters_of_a_log_do_not_reach_the_terminal() -> None:
    assert "\x07" not in Painter(1).painted(Line("us-east-1", "cpm-1", "a\x07b")).plain


def test_a_module_that_cannot_be_compiled_is_named_with_its_line(tmp_path: Path) -> None:
    good, bad, page = tmp_path / "good.py", tmp_path / "bad.py", tmp_path / "page.html"
    good.write_text("x = 1\n")
    bad.write_text("x = (\n")
    page.write_text("x = (\n")
    (problem,) = changes.prepare([good, bad, page, tmp_path / "gone.py"])
    assert "bad.py" in problem and "line 1" in problem


def test_an_edit_of_the_application_is_seen_and_what_python_writes_beside_it_is_not(tmp_path: Path) -> None:
    package = tmp_path / "app"
    (package / "__pycache__").mkdir(parents=True)
    (package / "api.py").write_text("")

    async def run() -> list[Path]:
        seen = changes.of_application(tmp_path)
        first = asyncio.ensure_future(anext(seen))
        while not first.done():
            # Until the watch has begun nothing is seen.
            (package / "__pycache__" / "api.pyc").write_bytes(os.urandom(8))
            (package / "api.py").write_text(str(os.urandom(8)))
            await asyncio.wait({first}, timeout=0.2)
        await seen.aclose()
        return first.result()

    assert asyncio.run(asyncio.wait_for(run(), 30)) == [package / "api.py"]


def test_only_the_stack_file_that_runs_is_a_change_of_settings(tmp_path: Path) -> None:
    async def run() -> Path:
        seen = changes.of_settings(tmp_path, "local")
        first = asyncio.ensure_future(anext(seen))
        while not first.done():
            (tmp_path / "Pulumi.local.yaml").write_text(str(os.urandom(8)))
            await asyncio.wait({first}, timeout=0.2)
        await seen.aclose()
        return first.result()

    assert asyncio.run(asyncio.wait_for(run(), 30)) == tmp_path / "Pulumi.local.yaml"
    passes = changes.only(tmp_path / "Pulumi.local.yaml")
    found = [passes(Change.modified, str(tmp_path / f"Pulumi.{stack}.yaml")) for stack in ("local", "prod")]
    assert found == [True, False]


def test_a_key_acts_at_once_and_the_terminal_is_afterwards_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    keys: list[str] = []

    async def run() -> bool:
        with os.fdopen(slave, "rb", buffering=0, closefd=False) as terminal:
            monkeypatch.setattr(sys, "stdin", terminal)
            came = asyncio.Event()

            def act(key: str) -> None:
                keys.append(key)
                came.set()

            with pressed(act) as there:
                os.write(master, b"s")
                await asyncio.wait_for(came.wait(), 30)
            return there

    assert asyncio.run(run())
    assert keys == ["s"]
    assert termios.tcgetattr(slave) == before
    for end in (master, slave):
        os.close(end)


def test_without_a_terminal_there_are_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        with pressed(lambda _: None) as there:
            assert not there
