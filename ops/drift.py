"""``contentgen drift``: what differs between the cloud and what was declared, by a preview that reads the cloud first.

What controllers set by themselves is nobody's declaration, so it is no drift: replicas under an autoscaler, defaults,
status. The program must be the one that was deployed; what it newly declares would show as drift too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from ops import deployment
from ops.console import Report
from ops.previewing import preview_events
from ops.report.events import Change, Operation, Preview, ReportError, parse

WORDS = {
    Operation.CREATE: "is gone",
    Operation.DELETE: "is there and not declared",
    Operation.REPLACE: "differs so that it would be replaced",
    Operation.UPDATE: "differs",
}


def drift(stack: str, report: Report) -> bool:
    """Tells every resource and field that differs; whether nothing does.

    Raises ReportError when the preview failed: then nothing is known.
    """
    engine = deployment.prepared(stack, report)
    report.step("reading the cloud, and comparing it with what is declared")
    with tempfile.TemporaryDirectory(prefix="contentgen-drift-") as folder:
        events = Path(folder) / "events.json"
        preview_events(engine, events, "--refresh")
        with events.open() as lines:
            preview = parse(stack, lines)
    if not preview.succeeded:
        raise ReportError(f"{stack}: the preview failed, so nothing is known of drift: {'; '.join(preview.errors)}")
    found = list(drifted(preview))
    for line in found:
        report.line(line)
    report.line(f"{stack}: {len(found)} resources differ" if found else f"{stack}: no drift")
    return not found


def drifted(preview: Preview) -> Iterator[str]:
    """A line a resource that differs, with the fields that do; never their values."""
    for change in preview.changes:
        if change.operation is not Operation.SAME:
            yield f"{change.type} {change.name} {WORDS[change.operation]}{_fields(change)}"


def _fields(change: Change) -> str:
    return f": {', '.join(sorted(change.differing))}" if change.differing else ""
