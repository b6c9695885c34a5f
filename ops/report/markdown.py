"""The comment: its first line is the sum, then what could hurt, then policies, cost, and every difference folded.

GitHub refuses more than 65,536 characters, so differences give way, and the comment says how many; the rest never does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ops.cost.estimate import Estimate
from ops.report.events import Change, Finding, Operation, Preview
from ops.report.secrets import clean
from ops.report.stateful import endangered
from ops.report.values import difference
from ops.report.verdict import Levels, failures, not_run, violations

_MARK: Final = "<!-- contentgen report of {} -->"

LONGEST: Final = 60_000
LONGEST_FINDINGS: Final = 40
LONGEST_PROPERTIES: Final = 25
LONGEST_ERROR: Final = 1_500
LONGEST_ERRORS: Final = 8
LONGEST_MESSAGE: Final = 400
ORDER: Final = (Operation.REPLACE, Operation.DELETE, Operation.UPDATE, Operation.CREATE)
WORDS: Final = {
    Operation.CREATE: "create",
    Operation.UPDATE: "update",
    Operation.REPLACE: "**replace**",
    Operation.DELETE: "**delete**",
}


@dataclass(frozen=True)
class StackReport:
    """One stack's preview with what it costs before and after, and the levels of its rules."""

    preview: Preview
    levels: Levels
    before: Estimate
    after: Estimate


def comment(reports: Sequence[StackReport], cost_notes: Sequence[str]) -> str:
    """The whole comment, at most LONGEST characters, the same for the same previews; the notes stand below the cost."""
    head = "\n".join(_head(reports, cost_notes))[:LONGEST]
    return head + _folded([report.preview for report in reports], LONGEST - len(head))


def mark(stacks: Iterable[str]) -> str:
    """By this the comment of an earlier run, for the same stacks, is found and replaced."""
    return _MARK.format(" ".join(stacks))


def _head(reports: Sequence[StackReport], cost_notes: Sequence[str]) -> Iterator[str]:
    previews = [report.preview for report in reports]
    yield f"**{'; '.join(_sum(preview) for preview in previews)}** {mark(preview.stack for preview in previews)}"
    yield ""
    dangers = [_danger(preview.stack, one) for preview in previews for one in endangered(preview)]
    yield from dangers[:LONGEST_FINDINGS]
    if len(dangers) > LONGEST_FINDINGS:
        yield f"> **… and {len(dangers) - LONGEST_FINDINGS} more would lose their data; the job's log has them**\n"
    yield from _table(reports)
    failed = [why for report in reports for why in failures(report.preview, report.levels)]
    yield from _errors(previews)
    yield from _policies(reports)
    yield from _cost(reports, cost_notes)
    verdict = f"This check fails for {len(failed)} reason(s)." if failed else "This check passes."
    yield from (verdict, "", "")


def _sum(preview: Preview) -> str:
    counts = {operation: len(preview.of(operation)) for operation in ORDER}
    if incomplete(preview):
        return f"{preview.stack}: FAILED after {len(preview.changes)} resources, what would change is not known"
    if not any(counts.values()):
        return f"{preview.stack}: no change"
    return f"{preview.stack}: " + ", ".join(
        f"{counts[operation]} to {operation.value}"
        for operation in (Operation.CREATE, Operation.UPDATE, Operation.REPLACE, Operation.DELETE)
        if counts[operation]
    )


def incomplete(preview: Preview) -> bool:
    """Whether the program or a provider ended a preview early: deletions are only computed at its end."""
    return bool(preview.errors) or not (preview.succeeded or violations(preview))


def _danger(stack: str, change: Change) -> str:
    """Data would be lost, so this comes before everything else."""
    why = [path for path, kind in sorted(change.differing.items()) if kind.endswith("replace")]
    because = f" because of {', '.join(f'`{path}`' for path in why)}" if why else ""
    return f"> **{stack}: `{change.name}` ({change.type}) would be {change.operation.value}d with its data{because}**\n"


def _table(reports: Sequence[StackReport]) -> Iterator[str]:
    yield "| stack | create | update | replace | delete | unchanged | violations | not run | advice |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for report in reports:
        preview = report.preview
        counts = [str(len(preview.of(one))) for one in (Operation.CREATE, Operation.UPDATE)]
        loud = [_loud(len(preview.of(one))) for one in (Operation.REPLACE, Operation.DELETE)]
        wrong = [_loud(len(violations(preview))), _loud(len(not_run(preview, report.levels)))]
        same, advice = str(len(preview.of(Operation.SAME))), str(len(_advice(report)))
        yield f"| {' | '.join([preview.stack, *counts, *loud, same, *wrong, advice])} |"
    yield ""


def _loud(count: int) -> str:
    return f"**{count}**" if count else "0"


def _errors(previews: Sequence[Preview]) -> Iterator[str]:
    """The same error of many resources is said once. A fence within an error would end ours."""
    for preview in previews:
        errors = list(dict.fromkeys(clean(error)[:LONGEST_ERROR].replace("```", "~~~") for error in preview.errors))
        for error in errors[:LONGEST_ERRORS]:
            yield from (f"**{preview.stack} failed:**", "", "```", error, "```", "")
        if len(errors) > LONGEST_ERRORS:
            yield from (f"… and {len(errors) - LONGEST_ERRORS} more errors in the job's log", "")


def _policies(reports: Sequence[StackReport]) -> Iterator[str]:
    """What stops the update, rules that did not run, exemptions; advice is folded, or it drowns them."""
    lines = [line for report in reports for line in _findings(report)]
    advice = [line for report in reports for line in _listed(report.preview.stack, "advice", _advice(report))]
    if not lines and not advice:
        return
    yield from ("### Policies", "")
    yield from _shortened(lines)
    if advice:
        yield f"\n<details><summary>Advice: {len(advice)}</summary>\n"
        yield from (*_shortened(advice), "", "</details>")
    yield ""


def _shortened(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:LONGEST_FINDINGS]
    if len(lines) > LONGEST_FINDINGS:
        yield f"- … and {len(lines) - LONGEST_FINDINGS} more in the job's log"


def _findings(report: StackReport) -> Iterator[str]:
    stack, found = report.preview.stack, report.preview.findings
    yield from _listed(stack, "**mandatory**", violations(report.preview))
    yield from _listed(stack, "**did not run**", not_run(report.preview, report.levels))
    yield from _listed(stack, "exemption", (one for one in found if one.exempt))


def _advice(report: StackReport) -> list[Finding]:
    told = [*violations(report.preview), *not_run(report.preview, report.levels)]
    return [one for one in report.preview.findings if one not in told and not one.exempt]


def _listed(stack: str, word: str, findings: Iterable[Finding]) -> Iterator[str]:
    for one in findings:
        yield f"- {stack}, {word}, [{one.rule}](docs/policies/{one.rule}.md): {_cut(clean(one.message))}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}…"


def _cost(reports: Sequence[StackReport], cost_notes: Sequence[str]) -> Iterator[str]:
    """Nothing is said of cost where nothing changes it."""
    moved = [report for report in reports if _moved(report) and not incomplete(report.preview)]
    if not moved:
        return
    yield from (
        "### Cost a month",
        "",
        "| stack | before | after | change | budget | at its maximum |",
        "|---|---|---|---|---|---|",
    )
    for report in moved:
        before, after = report.before.total, report.after.total
        amounts = (_usd(before), _usd(after), _change(before, after), _budget(report), _usd(report.after.at_maximum))
        yield f"| {' | '.join([report.preview.stack, *amounts])} |"
    yield ""
    for report in moved:
        if report.after.unpriced:
            yield f"- {report.preview.stack}, not priced: {', '.join(report.after.unpriced)}"
    for note in cost_notes:
        yield from ("", note)
    yield ""


def _moved(report: StackReport) -> bool:
    same = round(report.before.total, 2) == round(report.after.total, 2)
    return not same or report.before.unpriced != report.after.unpriced


def _usd(amount: float) -> str:
    return f"${amount:,.2f}"


def _change(before: float, after: float) -> str:
    percent = f" ({(after - before) / before:+.0%})" if before else ""
    sign = "+" if after >= before else "-"
    return f"{sign}{_usd(abs(after - before))}{percent}"


def _budget(report: StackReport) -> str:
    budget = report.after.budget
    if budget is None:
        return "none"
    if report.after.total > budget:
        return f"**{_usd(budget)}, exceeded by {_usd(report.after.total - budget)}**"
    return f"{_usd(budget)}, {_usd(budget - report.after.total)} left"


def _folded(previews: Sequence[Preview], room: int) -> str:
    """Every changed resource, folded, as far as there is room. What is left out is counted."""
    blocks = [
        _block(preview.stack, change) for preview in previews for operation in ORDER for change in preview.of(operation)
    ]
    if not blocks:
        return ""
    text, shown = "### Changes\n\n", 0
    left_out = "\n… and {} more changes; the job's log has them all.\n"
    for block in blocks:
        if len(text) + len(block) + len(left_out) + len(str(len(blocks))) > room:
            break
        text += block
        shown += 1
    return text if shown == len(blocks) else text + left_out.format(len(blocks) - shown)


def _block(stack: str, change: Change) -> str:
    title = f"{stack}: {WORDS[change.operation].strip('*')} {change.type} <code>{change.name}</code>"
    rows = list(_rows(change))
    if not rows:
        return f"{title}<br>\n"
    table = ["| property | before | after |", "|---|---|---|", *rows]
    return f"<details><summary>{title}</summary>\n\n" + "\n".join(table) + "\n\n</details>\n"


def _rows(change: Change) -> Iterator[str]:
    paths = sorted(change.differing)
    for path in paths[:LONGEST_PROPERTIES]:
        before, after = difference(change, path)
        note = " **(replaces)**" if change.differing[path].endswith("replace") else ""
        yield f"| `{path}`{note} | {_cell(before)} | {_cell(after)} |"
    if len(paths) > LONGEST_PROPERTIES:
        yield f"| … {len(paths) - LONGEST_PROPERTIES} more | | |"


def _cell(value: str | None) -> str:
    if value is None:
        return ""
    escaped = value.replace("|", "\\|")
    return f"`{escaped}`"
