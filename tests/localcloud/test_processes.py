"""Daemons of the embedded cloud are known again by later commands, and end when they are told to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from localcloud import processes

STOPPING = "import sys; from pathlib import Path; from localcloud import processes; processes.STOP_SECONDS = 600.0; "


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[processes.Daemon]:
    started = processes.spawn([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path, "it", os.environ)
    yield started
    processes.stop(tmp_path, "it")
    psutil.Process(started.pid).wait()


@pytest.mark.parametrize("seconds", [-3600, 2, 3600])
def test_a_daemon_is_known_again_after_the_clock_was_set(
    seconds: int, daemon: processes.Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of the wall clock moves the time at which the machine seems to have been started, and psutil's with it."""
    moved = psutil.boot_time() + seconds
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: moved)
    assert abs(psutil.Process(daemon.pid).create_time() - time.time()) > abs(seconds) / 2
    assert processes.find(tmp_path, "it") == daemon


def test_another_process_under_a_daemons_id_is_not_taken_for_it(daemon: processes.Daemon, tmp_path: Path) -> None:
    file = tmp_path / "it.pid"
    own = file.read_text()
    for other in (processes.birth(os.getpid()), f"{uuid.uuid4()} {daemon.born.split()[1]}"):
        file.write_text(json.dumps({"pid": daemon.pid, "born": other}))
        assert processes.find(tmp_path, "it") is None
    file.write_text(own)
    assert processes.find(tmp_path, "it") == daemon


@pytest.mark.parametrize(("seconds", "known"), [(0, True), (-5, True), (3600, False)])
def test_a_daemon_that_an_earlier_version_started_is_known(
    seconds: int, known: bool, daemon: processes.Daemon, tmp_path: Path
) -> None:
    file = tmp_path / "it.pid"
    own = file.read_text()
    file.write_text(json.dumps({"pid": daemon.pid, "started": psutil.Process(daemon.pid).create_time() + seconds}))
    assert processes.find(tmp_path, "it") == (daemon if known else None)
    file.write_text(own)


def test_a_daemon_that_its_parent_has_not_asked_for_is_no_reason_to_wait(tmp_path: Path, root: Path) -> None:
    """This process is the parent and reaps nothing, so the ended daemon stays a zombie."""
    daemon = processes.spawn([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path, "it", os.environ)
    command = [sys.executable, "-c", f"{STOPPING}processes.stop(Path(sys.argv[1]), 'it')", str(tmp_path)]
    subprocess.run(command, cwd=root, check=True, timeout=120)
    assert psutil.Process(daemon.pid).status() == psutil.STATUS_ZOMBIE
    assert processes.find(tmp_path, "it") is None
    psutil.Process(daemon.pid).wait()
