"""Verdict on the way back, from the preview of the base on a stack that runs this change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ops.report.data import Rollback
from ops.report.events import Change, Preview
from ops.report.secrets import clean
from ops.report.stateful import endangered

MOST_REASONS: Final = 20
MOST_STAYING: Final = 100
LONGEST_REASON: Final = 1_000
LONGEST_NAME: Final = 200


def way_back(preview: Preview, staying: Sequence[str]) -> Rollback:
    """The verdict. ``staying`` are the URNs of protected additions, which the preview left out: with them the engine
    would refuse the whole.
    """
    if preview.errors or not preview.succeeded:
        return impossible(preview.errors or ("a policy refuses the base on what this change left",))
    lost = endangered(preview)
    return Rollback(
        verdict="loses data" if lost else "clean",
        because=tuple(_lost(one) for one in lost[:MOST_REASONS]),
        staying=tuple(urn.rpartition("::")[2][:LONGEST_NAME] for urn in staying[:MOST_STAYING]),
    )


def impossible(reasons: Sequence[str]) -> Rollback:
    """The base cannot be put back, or this change cannot be applied in the first place."""
    told = [clean(one)[:LONGEST_REASON] for one in dict.fromkeys(reasons)]
    return Rollback(verdict="impossible", because=tuple(told[:MOST_REASONS]))


def not_tried(reason: str) -> Rollback:
    """Nothing is known of the way back, and why."""
    return Rollback(verdict="not tried", because=(clean(reason)[:LONGEST_REASON],))


def _lost(change: Change) -> str:
    paths = sorted(path for path, kind in change.differing.items() if kind.endswith("replace"))
    because = f" because of {', '.join(paths[:MOST_REASONS])}" if paths else ""
    told = f"{change.name} ({change.type}) would be {change.operation.value}d with its data{because}"
    return told[:LONGEST_REASON]
