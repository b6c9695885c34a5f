"""Going back to an earlier release: its own code, image and policies on the stack as it stands.

What a newer release added and the stack protects (a database, a bucket, a key) is not declared by the older program,
and the engine deletes nothing that is protected. Such additions stay, and are named: they hold data that may be needed,
and the next release that declares them goes on with them. The database keeps its newer schema, which migrations extend
so that the release before still works on it (app/migrate.py).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from ops.commits import CommitError, checked_out
from ops.previewing import PreviewError, preview_events
from ops.release.process import StepError
from ops.release.record import Release, recording
from ops.release.state import resources
from ops.release.updating import update
from ops.report.events import Operation, Preview, ReportError, read
from ops.target import Target


def go_back(target: Target, release: Release, earlier: tuple[Release, ...], say: Callable[[str], None]) -> None:
    """Deploys an earlier release and records it. Raises StepError."""
    with tempfile.TemporaryDirectory(prefix="contentgen-back-") as folder:
        try:
            checkout = checked_out(release.commit, Path(folder) / "before")
        except CommitError as error:
            raise StepError(str(error)) from None
        before = recording(target.of_checkout(checkout, release.image), release, earlier)
        staying = undeclared(before, Path(folder) / "events.json")
        for urn in staying:
            say(f"{urn.rpartition('::')[2]} stays: it is protected, and {release.commit[:12]} does not declare it")
        update(before, "--skip-preview", *(part for urn in staying for part in ("--exclude", urn)))


def undeclared(target: Target, events: Path) -> tuple[str, ...]:
    """The URNs of what the stack protects and the target's program does not declare.

    Raises StepError when that program cannot be deployed for another reason.
    """
    first = _preview(target, events)
    if first.succeeded and not first.errors:
        return ()
    declared = {change.urn for change in first.changes if change.operation is not Operation.DELETE}
    found = tuple(one.urn for one in resources(target) if one.protect and one.urn not in declared)
    second = _preview(target, events, *(part for urn in found for part in ("--exclude", urn))) if found else first
    if second.errors or not second.succeeded:
        raise StepError(f"the earlier release cannot be deployed: {'; '.join(second.errors) or 'a policy refuses it'}")
    return found


def _preview(target: Target, events: Path, *arguments: str) -> Preview:
    try:
        preview_events(target, events, *arguments)
        return read(target.stack, events)
    except (PreviewError, ReportError) as error:
        raise StepError(str(error)) from None
