"""The sections of the comment. Each gets the characters it may have, and says how much did not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ops.report.data import Changed, Money, Rollback, StackData, Told
from ops.report.events import Operation
from ops.report.safe import block, bounded, code, tag

LONGEST_VALUE: Final = 160
ORDER: Final = (Operation.REPLACE, Operation.DELETE, Operation.UPDATE, Operation.CREATE)
MINUTE: Final = 60


def loud(count: int) -> str:
    """A number that should be none."""
    return f"**{count}**" if count else "0"


def dangers(stacks: Sequence[StackData], room: int) -> Iterator[str]:
    """Data would be lost, so this comes before everything else."""
    lines = [_danger(one.stack, change) for one in stacks for change in one.changes if change.loses_data]
    yield from bounded(lines, room, "resources would lose their data")


def _danger(stack: str, change: Changed) -> str:
    because = f" because of {', '.join(code(path) for path in change.because)}" if change.because else ""
    what = f"{code(change.name)} ({code(change.type)}) would be {change.operation.value}d with its data"
    return f"> **{stack}:** {what}{because}\n"


def errors(stacks: Sequence[StackData], room: int) -> Iterator[str]:
    """Reasons for a missing or incomplete preview, the same error of many resources once."""
    told = [(one.stack, error) for one in stacks for error in ([one.problem] if one.problem else one.errors)]
    lines = ["\n".join([f"**{stack} failed:**", "", *block(error), ""]) for stack, error in told]
    yield from bounded(lines, room, "errors")


def policies(stacks: Sequence[StackData], pages: str, room: int) -> Iterator[str]:
    """Mandatory violations and rules that did not run; advice is folded, or it drowns them."""
    lines = [_found(one.stack, told, pages) for one in stacks for told in one.kinds("mandatory", "did not run")]
    advice = [_found(one.stack, told, pages) for one in stacks for told in one.kinds("advice")]
    if lines:
        yield from ("### Policies", "", *bounded(lines, room * 2 // 3, "findings"), "")
    if advice:
        yield from (f"<details><summary>Advice: {len(advice)}</summary>", "")
        yield from (*bounded(advice, room // 3, "pieces of advice"), "", "</details>", "")


def _found(stack: str, told: Told, pages: str) -> str:
    kind = f"**{told.kind}**" if told.kind in ("mandatory", "did not run", "ends soon") else told.kind
    return f"- {stack}, {kind}, [{told.rule}]({pages}/{told.rule}.md): {code(told.message)}"


def by_base(stacks: Sequence[StackData], pages: str, room: int) -> Iterator[str]:
    """A pull request is judged by its own rules too; here is what only the rules of the base say of it."""
    lines = [_found(one.stack, told, pages) for one in stacks for told in one.by_base]
    if lines:
        yield from ("### By the rules of the base", "", "What the rules before this change say of it:", "")
        yield from (*bounded(lines, room, "findings"), "")


def policy_changes(stacks: Sequence[StackData], judges: Sequence[str], room: int) -> Iterator[str]:
    """Rules, levels, limits and exemptions that the change itself moves, and what the platform says of the files that
    decide. What concerns every stack is said once.
    """
    of: dict[str, list[str]] = {}
    for one in stacks:
        for change in one.policy_changes:
            of.setdefault(change, []).append(one.stack)
    if not of and not judges:
        return
    yield from ("### Policy changes", "", "This pull request changes what judges it; read that first.", "")
    files = [f"- **file**, by the platform: {code(one)}" for one in judges]
    everywhere = max(len(stacks), 2)
    lines = [
        f"- {'every stack' if len(names) >= everywhere else ', '.join(names)}: {code(change)}"
        for change, names in of.items()
    ]
    yield from (*bounded([*files, *lines], room, "changes of policies"), "")


def exemptions(stacks: Sequence[StackData], pages: str, room: int) -> Iterator[str]:
    """Those that end within 30 days first, then those in force."""
    lines = [
        _found(one.stack, told, pages)
        for kind in ("ends soon", "exemption")
        for one in stacks
        for told in one.kinds(kind)
    ]
    if lines:
        yield from ("### Exemptions", "", *bounded(lines, room, "exemptions"), "")


def cost(stacks: Sequence[StackData], notes: Sequence[str], room: int) -> Iterator[str]:
    """Nothing is said of cost where nothing changes it."""
    moved = [(one.stack, one.money) for one in stacks if one.money and _moved(one.money)]
    if not moved:
        return
    yield from (
        "### Cost a month",
        "",
        "| stack | before | after | change | budget | at its maximum |",
        "|---|---|---|---|---|---|",
    )
    for stack, money in moved:
        before, after = money.before, money.after
        amounts = (usd(before), usd(after), change_of(before, after), _budget(money), usd(money.at_maximum))
        yield f"| {' | '.join([stack, *amounts])} |"
    yield ""
    unpriced = [f"- {stack}, not priced: {code(one)}" for stack, money in moved for one in money.unpriced]
    yield from bounded(unpriced, room, "types without a price")
    for note in notes:
        yield from ("", note)
    yield ""


def _moved(money: Money) -> bool:
    return round(money.before, 2) != round(money.after, 2)


def usd(amount: float) -> str:
    """Dollars, as people write them."""
    return f"${amount:,.2f}"


def change_of(before: float, after: float) -> str:
    """Cost that a change adds, and its share."""
    percent = f" ({(after - before) / before:+.0%})" if before else ""
    sign = "+" if after >= before else "-"
    return f"{sign}{usd(abs(after - before))}{percent}"


def _budget(money: Money) -> str:
    budget = money.budget
    if budget is None:
        return "none"
    if money.after > budget:
        return f"**{usd(budget)}, exceeded by {usd(money.after - budget)}**"
    return f"{usd(budget)}, {usd(budget - money.after)} left"


def restarts(stacks: Sequence[StackData], room: int) -> Iterator[str]:
    """Pods that are renewed, and how long the longest rollout of a stack takes at least."""
    lines = []
    for one in stacks:
        if one.restarts:
            pods = sum(each.pods for each in one.restarts)
            longest = max(one.restarts, key=lambda each: each.seconds)
            told = f"the longest rollout, {code(longest.workload)}, takes {_duration(longest.seconds)} or more"
            lines.append(f"- {one.stack}: {pods} pods of {len(one.restarts)} workloads are renewed; {told}")
    if lines:
        yield from ("### Restarts", "", *bounded(lines, room, "stacks"), "")


def rollbacks(stacks: Sequence[StackData], room: int) -> Iterator[str]:
    """The way back of each stack: found by going it, or the reason why it was not tried."""
    lines = [_rollback(one.stack, one.rollback) for one in stacks if one.rollback]
    if lines:
        yield from ("### Rollback", "", "Base, this change, base again, on the embedded cloud:", "")
        yield from (*bounded(lines, room, "stacks"), "")


def _rollback(stack: str, found: Rollback) -> str:
    why = "; ".join(code(one) for one in found.because)
    match found.verdict:
        case "clean":
            time = f" in {_duration(found.seconds)}" if found.seconds else ", because nothing changes"
            told = f"goes back cleanly{time}"
        case "loses data":
            told = f"**going back loses data**: {why}"
        case "impossible":
            told = f"**impossible**: {why}"
        case "not tried":
            told = f"not tried: {why}"
    stays = ", ".join(code(one) for one in found.staying)
    return f"- {stack}: {told}" + (f"; protected additions stay: {stays}" if stays else "")


def _duration(seconds: int) -> str:
    return f"{seconds} s" if seconds < 2 * MINUTE else f"{seconds / MINUTE:.0f} min"


def differences(stacks: Sequence[StackData], room: int) -> str:
    """Every changed resource, folded, replacements first, as far as there is room. What is left out is counted."""
    blocks = [_block(one.stack, change) for one in stacks for operation in ORDER for change in one.of(operation)]
    if not blocks:
        return ""
    text, shown = "### Changes\n\n", 0
    left_out = "\n… and {:,} more changes; the run's summary has them all.\n"
    for one in blocks:
        if len(text) + len(one) + len(left_out) + len(f"{len(blocks):,}") > room:
            break
        text += one
        shown += 1
    return text if shown == len(blocks) else text + left_out.format(len(blocks) - shown)


def _block(stack: str, change: Changed) -> str:
    title = f"{stack}: {change.operation.value} {tag(change.type)} {tag(change.name)}"
    rows = [_row(one.path, one.before, one.after, replaces=one.replaces) for one in change.differences]
    if not rows:
        return f"{title}<br>\n"
    if change.more:
        rows.append(f"| … {change.more:,} more | | |")
    table = ["| property | before | after |", "|---|---|---|", *rows]
    return f"<details><summary>{title}</summary>\n\n" + "\n".join(table) + "\n\n</details>\n"


def _row(path: str, before: str | None, after: str | None, *, replaces: bool) -> str:
    cells = ["" if value is None else code(value, LONGEST_VALUE) for value in (before, after)]
    return f"| {code(path)}{' **(replaces)**' if replaces else ''} | {' | '.join(cells)} |"
