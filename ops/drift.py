"""``contentgen drift``: what differs between the cloud and what was declared, by a preview that reads the cloud first.

Values that controllers set by themselves are not declared, so they are no drift: replicas under an autoscaler,
defaults, status. On the real cloud the program is that of the commit which the stack records as deployed, so that a
release that waits for its approval is no drift; and what is there under the stack's tags and not in its state is drift
too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3

from infra.catalog.regions import in_priority_order
from infra.tags import tags
from ops.checkout import CHECKOUT
from ops.commits import checked_out
from ops.console import Report
from ops.inventory import tagged, untracked
from ops.previewing import preview_events
from ops.release.record import record_of, recording
from ops.report.events import Change, Operation, Preview, ReportError
from ops.report.events import read as read_preview
from ops.report.publishing import keep_issue, repository_of
from ops.report.safe import listed
from ops.stack_files import read
from ops.target import Target, kept, real

OWN_TAGS = ("contentgen:product", "contentgen:stack")

WORDS = {
    Operation.CREATE: "is gone",
    Operation.DELETE: "is there and not declared",
    Operation.REPLACE: "differs so that it would be replaced",
    Operation.UPDATE: "differs",
}


def real_drift(stack: str, report: Report, environment: Mapping[str, str]) -> list[str]:
    """The drift of a stack on the real cloud. Raises ReportError, RecordError, CommitError, EngineReadError."""
    settings = read(CHECKOUT, stack)
    with tempfile.TemporaryDirectory(prefix="contentgen-deployed-") as folder:
        target = as_deployed(real(stack, environment), Path(folder) / "files", report)
        found = drift(target, report)
        state = kept(target, "export")
    own = {key: tags(settings, stack)[key] for key in OWN_TAGS}
    arns = [
        arn
        for region in in_priority_order(settings.regions)
        for arn in tagged(boto3.client("resourcegroupstaggingapi", region_name=region.code), own)
    ]
    left = [f"{arn} is in the account under the stack's tags and not in its state" for arn in untracked(arns, state)]
    for line in left:
        report.line(line)
    return [*found, *left]


def as_deployed(target: Target, folder: Path, report: Report) -> Target:
    """The target with the program of the commit that runs; with this checkout's where none is recorded."""
    record = record_of(target)
    running = record.running
    if running is None:
        report.line(f"{target.stack}: no deployed commit is recorded, so this checkout is compared with")
        return target
    report.step(f"{target.stack}: comparing with the deployed commit {running.commit[:12]}")
    files = checked_out(running.commit, folder)
    return recording(target.of_checkout(files, running.image), running, record.earlier)


def drift(target: Target, report: Report) -> list[str]:
    """Print and return every resource and field that differs.

    Raises ReportError when the preview failed: then nothing is known.
    """
    report.step("reading the cloud, and comparing it with what is declared")
    with tempfile.TemporaryDirectory(prefix="contentgen-drift-") as folder:
        events = Path(folder) / "events.json"
        preview_events(target, events, "--refresh")
        preview = read_preview(target.stack, events)
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
    """One issue a stack, opened once, brought up to date, and closed when drift ends. Raises ReportError without a
    token.
    """
    where = repository_of(repository, environment)
    lines = listed(found, "Nothing differs any more.")
    body = f"<!-- contentgen drift of {stack} -->\n{lines}\n\n`make drift STACK={stack}` shows the same."
    keep_issue(f"{stack} is not what was declared", body, where, wanted=bool(found))


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
