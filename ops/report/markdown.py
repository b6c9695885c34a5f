"""The comment of a pull request, from data alone: one for all stacks, as rows of one table.

Its first line says whether the check passes and what changes; the second of which commit, by which run, and when. Then
comes what could hurt, each section within its share of the room, and every difference, folded, with what is left.
GitHub refuses more than 65,536 characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ops.report.collecting import StackReport, collected
from ops.report.data import StackData
from ops.report.events import Operation
from ops.report.safe import code
from ops.report.sections import (
    by_base,
    cost,
    dangers,
    differences,
    errors,
    exemptions,
    loud,
    policies,
    policy_changes,
    restarts,
    rollbacks,
)

__all__ = ["StackReport", "comment", "mark", "render"]

MARK: Final = "<!-- contentgen report of a pull request -->"
LONGEST: Final = 60_000
SUMMARY: Final = 1_000_000
"""Characters; a step summary may have 1,024 KiB (GitHub, job summaries)."""
PAGES: Final = "docs/policies"
SUCCESS: Final = "success"
ORDER: Final = (Operation.CREATE, Operation.UPDATE, Operation.REPLACE, Operation.DELETE)


@dataclass(frozen=True)
class Run:
    """Facts of a run as the platform reports them: its head commit, address, end time and result. ``pages`` is the
    place of the rules' pages.
    """

    commit: str
    address: str
    at: datetime
    pages: str = PAGES
    conclusion: str = SUCCESS

    @property
    def line(self) -> str:
        time = self.at.astimezone(UTC)
        return f"Commit `{self.commit[:12]}`, [run]({self.address}), {time:%Y-%m-%d %H:%M} UTC. {MARK}"


def comment(
    reports: Sequence[StackReport], cost_notes: Sequence[str], run: Run | None = None, longest: int = LONGEST
) -> str:
    """The comment of previews that were made here."""
    return render([collected(one) for one in reports], cost_notes, run, longest)


def mark() -> str:
    """Marker by which the comment of an earlier run is found and replaced."""
    return MARK


def render(
    stacks: Sequence[StackData],
    cost_notes: Sequence[str],
    run: Run | None = None,
    longest: int = LONGEST,
    judges: Sequence[str] = (),
) -> str:
    """The whole comment, at most ``longest`` characters, the same for the same data. ``judges`` are the files that the
    platform says are changed and that decide what passes.
    """
    head = "\n".join(_head(stacks, cost_notes, run, longest, judges))
    return head + differences(stacks, longest - len(head))


def _head(
    stacks: Sequence[StackData], cost_notes: Sequence[str], run: Run | None, longest: int, judges: Sequence[str]
) -> Iterator[str]:
    pages = run.pages if run else PAGES
    yield _headline(stacks, run)
    yield run.line if run else MARK
    yield ""
    yield from dangers(stacks, longest // 10)
    yield from _table(stacks)
    yield from errors(stacks, longest // 8)
    yield from policies(stacks, pages, longest // 6)
    yield from by_base(stacks, pages, longest // 20)
    yield from policy_changes(stacks, judges, longest // 15)
    yield from exemptions(stacks, pages, longest // 15)
    yield from cost(stacks, cost_notes, longest // 12)
    yield from restarts(stacks, longest // 20)
    yield from rollbacks(stacks, longest // 20)
    yield from (_verdict(stacks, run), "", "")


def _headline(stacks: Sequence[StackData], run: Run | None) -> str:
    """Headline for people and their mail: the result, and the sum of every stack."""
    sums = "; ".join(_sum(one) for one in stacks)
    failed = [one.stack for one in stacks if one.reasons]
    if failed:
        return f"**FAILED: {', '.join(failed)}.** {sums}"
    return f"**FAILED: {_unsaid(run)}.** {sums}" if _unsaid(run) else f"**Passes.** {sums}"


def _unsaid(run: Run | None) -> str:
    """Fail a run that the platform reports as failed although its data shows no failure."""
    if run is None or run.conclusion == SUCCESS:
        return ""
    return f"the run ended with {code(run.conclusion)}, and its reports do not say why"


def _sum(stack: StackData) -> str:
    counts = {operation: len(stack.of(operation)) for operation in ORDER}
    if stack.problem:
        return f"{stack.stack}: could not be previewed"
    if stack.incomplete:
        seen = len(stack.changes) + stack.unchanged
        return f"{stack.stack}: FAILED after {seen} resources, what would change is not known"
    if stack.untouched:
        return f"{stack.stack}: untouched"
    if not any(counts.values()):
        return f"{stack.stack}: no change"
    return f"{stack.stack}: " + ", ".join(
        f"{counts[operation]} to {operation.value}"
        for operation in (Operation.CREATE, Operation.UPDATE, Operation.REPLACE, Operation.DELETE)
        if counts[operation]
    )


def _table(stacks: Sequence[StackData]) -> Iterator[str]:
    yield "| stack | result | create | update | replace | delete | unchanged | violations | not run | advice |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for one in stacks:
        counts = [str(len(one.of(Operation.CREATE))), str(len(one.of(Operation.UPDATE)))]
        hurting = [loud(len(one.of(Operation.REPLACE))), loud(len(one.of(Operation.DELETE)))]
        wrong = [loud(len(one.kinds(kind))) for kind in ("mandatory", "did not run")]
        known = [*counts, *hurting, str(one.unchanged)]
        # Deletions are only computed at the end of a preview, so what is counted until then would be read as all.
        row = ["?" for _ in known] if one.incomplete else [*known[:-1], "all"] if one.untouched else known
        result = f"**FAILED**: {', '.join(one.reasons)}" if one.reasons else "passes"
        yield f"| {' | '.join([one.stack, result, *row, *wrong, str(len(one.kinds('advice')))])} |"
    yield ""


def _verdict(stacks: Sequence[StackData], run: Run | None) -> str:
    failed = [f"{one.stack}: {reason}" for one in stacks for reason in one.reasons]
    failed += [_unsaid(run)] if _unsaid(run) and not failed else []
    return f"This check fails: {'; '.join(failed)}." if failed else "This check passes."
