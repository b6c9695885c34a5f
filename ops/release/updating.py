"""An update of a stack as a step of a release: its output without secrets, and whether it changed anything."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from ops.release.process import RefusedError, StepError
from ops.report.secrets import without_secrets
from ops.target import Target

WITH_EVENT_LOG: Final[Mapping[str, str]] = {"PULUMI_DEBUG_COMMANDS": "true"}
"""The engine has ``--event-log`` among the commands for debugging; its own automation API uses it in the same way."""
UNTOUCHED: Final = frozenset({"same", "read", "read-replacement", "refresh"})


def update(target: Target, *arguments: str) -> None:
    """``pulumi up``. A plan that does not hold prints values in clear, so the engine's words are shown without secrets.

    Raises RefusedError when it ended before it changed anything, and StepError when it failed on the way.
    """
    # Events hold every input in clear; mkdtemp's folder is its owner's alone.
    with tempfile.TemporaryDirectory(prefix="contentgen-update-") as folder:
        events = Path(folder) / "events.json"
        options = ["--yes", "--non-interactive", "--stack", target.stack, "--event-log", str(events)]
        child = subprocess.Popen(
            [str(target.command), "up", *options, *arguments, *target.policies],
            cwd=target.workspace,
            env={**target.environment, **WITH_EVENT_LOG},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert child.stdout is not None
        for line in without_secrets(child.stdout):
            sys.stdout.write(line)
        if child.wait() == 0:
            return
        changed = events.exists() and has_begun(events.read_text().splitlines())
    said = f"pulumi up ended with exit code {child.returncode}"
    raise StepError(said) if changed else RefusedError(f"{said} before it changed anything; its reason stands above")


def has_begun(events: Iterable[str]) -> bool:
    """True if an update began to change a resource, by the engine's events. A line that is cut off counts as nothing:
    the engine writes an event whole before it acts on it.
    """
    for line in events:
        try:
            event = json.loads(line).get("resourcePreEvent")
        except json.JSONDecodeError:
            continue
        if event and not event.get("planning") and event["metadata"]["op"] not in UNTOUCHED:
            return True
    return False
