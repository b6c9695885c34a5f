"""Processors that a process may use, and the number of server processes they are enough for (E10)."""

import math
import os
from pathlib import Path
from typing import Final

CPU_MAX: Final = Path("/sys/fs/cgroup/cpu.max")
"""Limit of the container: microseconds of processor time in a period of microseconds, or "max" (Linux, cgroup v2)."""


def processors(limit: Path = CPU_MAX) -> float:
    """Processors of this machine that the process may run on, or the share that its container is limited to."""
    there = float(len(os.sched_getaffinity(0)))
    try:
        quota, period = limit.read_text(encoding="ascii").split()
    except (FileNotFoundError, ValueError):
        return there
    return there if quota == "max" else min(there, int(quota) / int(period))


def workers_problem(asked: int, available: float) -> str | None:
    """Reason for which so many server processes are refused: more than 2 x processors + 1 (E10) only take turns."""
    most = math.floor(2 * available + 1)
    if asked <= most:
        return None
    return (
        f"UVICORN_WORKERS: {asked} is more than 2 x {available:g} processors + 1 = {most}; give at most {most},"
        " or the container more processors"
    )
