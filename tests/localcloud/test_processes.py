"""Daemons of the embedded cloud end when they are told to, whoever started them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil

from localcloud import processes

STOPPING = "import sys; from pathlib import Path; from localcloud import processes; processes.STOP_SECONDS = 600.0; "


def test_a_daemon_that_its_parent_has_not_asked_for_is_no_reason_to_wait(tmp_path: Path, root: Path) -> None:
    """This process is the parent and reaps nothing, so the ended daemon stays a zombie."""
    daemon = processes.spawn([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path, "it", os.environ)
    command = [sys.executable, "-c", f"{STOPPING}processes.stop(Path(sys.argv[1]), 'it')", str(tmp_path)]
    subprocess.run(command, cwd=root, check=True, timeout=120)
    assert psutil.Process(daemon.pid).status() == psutil.STATUS_ZOMBIE
    assert processes.find(tmp_path, "it") is None
    psutil.Process(daemon.pid).wait()
