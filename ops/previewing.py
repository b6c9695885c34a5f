"""A preview as the engine's streaming events, in a file, whatever its outcome: one that policies stop is one too."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from ops.target import Target

STREAMING: Final = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "1"}


LIMIT_SECONDS: Final = 1_200
"""Time for one preview, of which production's takes ten seconds on the embedded cloud."""


class PreviewError(Exception):
    """The engine could not even begin, with its own message, or did not end."""


def preview_events(target: Target, output: Path, *arguments: str) -> None:
    """Writes the events of ``pulumi preview`` to a file. Raises PreviewError when there are none.

    Events can hold what is secret to those who see the state, so only the owner may read the file.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    output.unlink(missing_ok=True)
    output.touch(mode=0o600)
    command = [str(target.command), "preview", "--json", "--non-interactive", "--stack", target.stack, *arguments]
    with output.open("w") as events:
        try:
            done = subprocess.run(
                command,
                cwd=target.workspace,
                env={**target.environment, **STREAMING},
                stdout=events,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
                timeout=LIMIT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise PreviewError(f"{target.stack}: the preview did not end within {LIMIT_SECONDS} s") from None
    if output.stat().st_size == 0 or (done.returncode != 0 and not _began(output)):
        raise PreviewError(f"{target.stack}: the preview did not begin: {done.stderr.strip()}")


def _began(events: Path) -> bool:
    """True if the engine came as far as the program: without its policies, for one, it does not."""
    with events.open(encoding="utf-8", errors="replace") as lines:
        return any('"resourcePreEvent"' in line or '"summaryEvent"' in line for line in lines)
