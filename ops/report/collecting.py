"""A preview as the data that its run hands on: what may be seen, cut to size, with the weight of each finding."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ops.cost.estimate import Estimate
from ops.report.data import Changed, Difference, Money, Rollback, StackData, Told
from ops.report.events import Change, Finding, Operation, Preview
from ops.report.restarts import restarts
from ops.report.secrets import clean
from ops.report.stateful import endangered
from ops.report.values import difference
from ops.report.verdict import Levels, not_run, violations

LONGEST_NAME: Final = 400
LONGEST_LINE: Final = 1_500
LONGEST_PROPERTIES: Final = 25
ENDS_SOON: Final = re.compile(r"^\[exempt\] the exemption of .* ends in \d+ days")
"""As policies.exemptions words it."""


@dataclass(frozen=True)
class StackReport:
    """One stack's preview with what it costs before and after, the levels of its rules, what this change does to the
    rules themselves, and the way back where it was looked for.
    """

    preview: Preview
    levels: Levels
    before: Estimate
    after: Estimate
    policy_changes: Sequence[str] = field(default=())
    rollback: Rollback | None = None


def collected(report: StackReport) -> StackData:
    """One stack as data."""
    preview = report.preview
    lost = {one.urn for one in endangered(preview)}
    return StackData(
        stack=preview.stack,
        incomplete=incomplete(preview),
        unchanged=len(preview.of(Operation.SAME)),
        changes=tuple(_changed(one, one.urn in lost) for one in preview.changes if one.operation is not Operation.SAME),
        told=tuple(_told(report)),
        by_base=tuple(_line("advice", one) for one in _only_by_base(preview)),
        policy_changes=tuple(_cut(clean(one)) for one in report.policy_changes),
        errors=tuple(dict.fromkeys(_cut(clean(one)) for one in preview.errors)),
        money=None if incomplete(preview) else _money(report.before, report.after),
        restarts=tuple(restarts(preview.changes)),
        rollback=report.rollback,
    )


def incomplete(preview: Preview) -> bool:
    """True if the program or a provider ended a preview early: deletions are only computed at its end."""
    return bool(preview.errors) or not (preview.succeeded or violations(preview))


def _changed(change: Change, loses_data: bool) -> Changed:
    paths = sorted(change.differing)
    because = [_name(path) for path in paths if change.differing[path].endswith("replace")] if loses_data else []
    return Changed(
        operation=change.operation,
        type=_name(change.type),
        name=_name(change.name),
        differences=tuple(_difference(change, path) for path in paths[:LONGEST_PROPERTIES]),
        more=max(0, len(paths) - LONGEST_PROPERTIES),
        loses_data=loses_data,
        because=tuple(because[:LONGEST_PROPERTIES]),
    )


def _difference(change: Change, path: str) -> Difference:
    before, after = difference(change, path)
    return Difference(path=_name(path), before=before, after=after, replaces=change.differing[path].endswith("replace"))


def _told(report: StackReport) -> Iterable[Told]:
    broken, unclear = violations(report.preview), not_run(report.preview, report.levels)
    yield from (_line("mandatory", one) for one in broken)
    yield from (_line("did not run", one) for one in unclear)
    for one in report.preview.findings:
        if one in broken or one in unclear or one.by_base:
            continue
        if one.exempt:
            yield _line("ends soon" if ENDS_SOON.match(one.message) else "exemption", one)
        else:
            yield _line("advice", one)


def _only_by_base(preview: Preview) -> list[Finding]:
    """Findings by the rules of the base that the rules of this change do not report."""
    own = {(one.rule, one.message) for one in preview.findings if not one.by_base}
    return [one for one in preview.findings if one.by_base and not one.exempt and (one.rule, one.message) not in own]


def _line(kind: str, one: Finding) -> Told:
    return Told.model_validate({"kind": kind, "rule": one.rule, "message": _cut(clean(one.message))})


def _money(before: Estimate, after: Estimate) -> Money:
    names = tuple(_name(one) for one in dict.fromkeys([*after.unpriced]))
    return Money(
        before=before.total, after=after.total, at_maximum=after.at_maximum, budget=after.budget, unpriced=names[:500]
    )


def _name(text: str) -> str:
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}…"
