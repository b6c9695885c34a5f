"""``make pr-check``: true differences without credentials. The base is deployed to the embedded cloud, this checkout is
previewed against it, stack by stack, and one comment shows all of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.settings.errors import SettingsError
from localcloud.cloud import CloudError
from localcloud.engine import EngineError
from ops import deployment
from ops.base_pack import base_pack
from ops.checkout import CHECKOUT
from ops.commits import CommitError, checked_out
from ops.console import Report
from ops.previewing import PreviewError, preview_events
from ops.report.command import DEFAULT_FILE
from ops.report.command import report as report_on
from ops.report.data import Rollback
from ops.report.events import ReportError
from ops.report.events import read as read_preview
from ops.target import Target, embedded
from ops.untouched import untouched
from ops.way_back import tried

COMMAND: Final = "from ops.cli import main; main()"
STATE: Final = "CONTENTGEN_STATE"
DIAGNOSTICS: Final = "Diagnostics:"
MOST_LINES: Final = 30
DEPLOY_SECONDS: Final = 1_800
"""Time for one base, tools that are built for the first time included."""


@dataclass(frozen=True)
class _Previewed:
    """The file of a stack's preview, and the way back where it was looked for."""

    events: Path
    rollback: Rollback | None


def check_pull_request(base: str, stacks: Sequence[str], report: Report, *, rollback: bool = True) -> bool:
    """True if the check of every stack passes; a stack that cannot be previewed fails it and is reported with the
    others. With ``rollback`` the way back of each is tried, which fails nothing.

    Every failure stands in the rows of the stacks that it stops, so that the comment of the push before, which may say
    that the check passes, never stays.
    """
    with tempfile.TemporaryDirectory(prefix="contentgen-pr-", dir=_where()) as folder:
        root = Path(folder)
        # Postgres runs as another user, who must be able to walk in.
        root.chmod(0o755)
        report.step(f"taking the files of {base}")
        before = root / "base"
        os.environ[STATE] = str(root / "state")
        previewed: dict[str, _Previewed] = {}
        left = [stack for stack in stacks if untouched(CHECKOUT, base, stack)]
        asked = [stack for stack in stacks if stack not in left]
        for stack in left:
            report.step(f"{stack}: nothing that it is made of changes")
        problems = dict.fromkeys(asked, _files(base, before) if asked else "")
        for stack in (one for one in asked if not problems[one]):
            try:
                previewed[stack] = _previewed(stack, before, root / "base-pack" / stack, report, rollback=rollback)
            except (PreviewError, EngineError, CloudError, SettingsError) as error:
                problems[stack] = str(error)
            except Exception as error:  # noqa: BLE001 - one stack, whatever it raises, must not take the others' rows along
                traceback.print_exc()
                problems[stack] = f"{stack}: {type(error).__name__}: {error}"
        return report_on(
            CHECKOUT,
            {stack: one.events for stack, one in previewed.items()},
            CHECKOUT / DEFAULT_FILE,
            None,
            report,
            base=before if asked else None,
            problems={stack: why for stack, why in problems.items() if why},
            rollbacks={stack: one.rollback for stack, one in previewed.items() if one.rollback},
            untouched=left,
        )


def _files(base: str, folder: Path) -> str:
    """The reason why the files of the base, or what they depend on, cannot be had; nothing when they are there."""
    try:
        checked_out(base, folder)
    except (CommitError, subprocess.CalledProcessError, OSError) as error:
        return f"the base cannot be taken: {error}"
    return ""


def _previewed(stack: str, base: Path, pack: Path, report: Report, *, rollback: bool) -> _Previewed:
    """This checkout's preview of a stack that stands as the base declares it, judged by the packs of both."""
    output = CHECKOUT / DEFAULT_FILE.parent / f"preview-{stack}.json"
    image = ""
    try:
        if (base / f"Pulumi.{stack}.yaml").exists():
            report.step(f"{stack}: deploying the base")
            _deploy(base, stack)
            image = deployment.running(stack).setting(deployment.IMAGE_SETTING)
        report.step(f"{stack}: previewing this checkout against it")
        target = embedded(deployment.prepared(stack, report))
        preview_events(target, output, *target.policies, *base_pack(base, stack, pack))
        found = _way_back(target, output, base, image, report) if rollback else None
    finally:
        deployment.down(stack, report)
    return _Previewed(output, found)


def _way_back(target: Target, events: Path, base: Path, image: str, report: Report) -> Rollback | None:
    """The verdict on going back; nothing for a preview that cannot be read, which its own row tells."""
    try:
        preview = read_preview(target.stack, events)
    except ReportError:
        return None
    return tried(target, preview, base, image, report.step)


def _deploy(base: Path, stack: str) -> None:
    """The base by its own code, in a process of its own, with its own dependencies where they are others."""
    own = base / ".venv"
    python = sys.executable if own.is_symlink() else str(own / "bin" / "python")
    try:
        done = subprocess.run(
            [python, "-c", COMMAND, "up", "--stack", stack],
            cwd=base,
            env={**os.environ, "PYTHONPATH": str(base)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=DEPLOY_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise PreviewError(f"{stack}: the base was not deployed within {DEPLOY_SECONDS} s") from None
    if done.returncode != 0:
        said = complaint(done.stdout)
        raise PreviewError(f"{stack}: the base cannot be deployed, so there is nothing to compare with:\n{said}")


def complaint(output: str) -> str:
    """Error of the engine, which stands before its outputs; without that, the last lines."""
    _, found, complaint = output.partition(DIAGNOSTICS)
    lines = complaint.strip().splitlines()[:MOST_LINES] if found else output.splitlines()[-MOST_LINES:]
    return "\n".join(lines)


def _where() -> Path:
    """A place that an unprivileged database server may enter, which a user's own temporary folder may not be."""
    chosen = Path("/var/tmp")
    return chosen if os.access(chosen, os.W_OK) else Path(tempfile.gettempdir())
