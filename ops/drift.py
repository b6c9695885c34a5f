"""``contentgen drift``: what differs between the cloud and what was declared, by a preview that reads the cloud first.

What controllers set by themselves is nobody's declaration, so it is no drift: replicas under an autoscaler, defaults,
status. The program must be the one that was deployed; what it newly declares would show as drift too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ops.console import Report
from ops.previewing import preview_events
from ops.report.events import Change, Operation, Preview, ReportError, parse
from ops.report.publishing import API, Repository, publish_issue
from ops.target import Target

WORDS = {
    Operation.CREATE: "is gone",
    Operation.DELETE: "is there and not declared",
    Operation.REPLACE: "differs so that it would be replaced",
    Operation.UPDATE: "differs",
}


def drift(target: Target, report: Report) -> list[str]:
    """Tells every resource and field that differs, and returns the same.

    Raises ReportError when the preview failed: then nothing is known.
    """
    report.step("reading the cloud, and comparing it with what is declared")
    with tempfile.TemporaryDirectory(prefix="contentgen-drift-") as folder:
        events = Path(folder) / "events.json"
        preview_events(target, events, "--refresh")
        with events.open() as lines:
            preview = parse(target.stack, lines)
    if preview.errors or not preview.succeeded:
        causes = "; ".join(preview.errors) or "by a policy, or without a word"
        raise ReportError(f"{target.stack}: the preview failed, so nothing is known of drift: {causes}")
    found = list(drifted(preview))
    for line in found:
        report.line(line)
    differ = "1 resource differs" if len(found) == 1 else f"{len(found)} resources differ"
    fix = "declare it, or undo it with an update that reads the cloud first: pulumi up --refresh"
    report.line(f"{target.stack}: {differ}; fix: {fix}" if found else f"{target.stack}: no drift")
    return found


def tell_drift(stack: str, found: list[str], repository: str, environment: Mapping[str, str]) -> None:
    """One issue a stack, opened once and brought up to date. Raises ReportError without a token."""
    token = environment.get("GITHUB_TOKEN", "")
    if not token:
        raise ReportError("GITHUB_TOKEN is not set; the workflow gives it to the job that may write issues")
    lines = "\n".join(f"- {line}" for line in found)
    body = f"<!-- contentgen drift of {stack} -->\n{lines}\n\n`make drift STACK={stack}` tells the same."
    where = Repository(repository, token, environment.get("GITHUB_API_URL", API))
    publish_issue(f"{stack} is not what was declared", body, where)


def drifted(preview: Preview) -> Iterator[str]:
    """A line a resource that differs, with the fields that do; never their values.

    An update without a field of ours is what a controller set beside what we declare.
    """
    for change in preview.changes:
        if change.operation is Operation.UPDATE and not change.differing:
            continue
        if change.operation is not Operation.SAME:
            yield f"{change.type} {change.name} {WORDS[change.operation]}{_fields(change)}"


def _fields(change: Change) -> str:
    return f": {', '.join(sorted(change.differing))}" if change.differing else ""
