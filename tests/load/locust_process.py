"""A run of locust in a process of its own, because it replaces the sockets of whoever imports it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = ROOT / "tests/load/locustfile.py"
LOOKED_AT_SECONDS = 360
"""Time after a run: for the look at all that was accepted, and the end of every user."""


def run_locust(host: str, *options: str, seconds: float, **variables: str) -> "subprocess.CompletedProcess[str]":
    """The run's end; ``seconds`` is the length of its load."""
    command = [sys.executable, "-m", "locust", "-f", str(FILE), "--headless", "--only-summary", "--host", host]
    return subprocess.run(
        [*command, "--stop-timeout", "5", *options],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + LOOKED_AT_SECONDS,
        cwd=ROOT,
    )
