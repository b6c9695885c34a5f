"""``contentgen prove``: breaks the code mutant by mutant and sees whether the tests of the row notice.

Fast tier: the mutants of the rows that need no deployed stack, and the generated ones of rules, limits and thresholds.
What was seen is kept in tests/proof/record.json; ``contentgen requirements`` says the state of each row by it.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.console import Report
from ops.proof.generated import read_generated
from ops.proof.mutants import Mutant, ProofDataError, Tier, read_mutants
from ops.proof.record import digest_of, read_record, updated, write_record
from ops.proof.runner import Suite, proof, suites_of
from ops.proof.verdicts import Answer, Verdict
from ops.requirements import ROWS, read_rows

LINES: Final = 15
"""Lines of the tests' output that are shown of a mutant that was not killed."""


@dataclass(frozen=True)
class Chosen:
    """Options of one run of the command."""

    mutants: tuple[Mutant, ...]
    """Mutants to apply, of rows and generated ones."""
    groups: tuple[Suite, ...]
    """Tests of the generated mutants."""

    @property
    def rows(self) -> tuple[str, ...]:
        """Rows that have mutants, in their order."""
        return tuple(dict.fromkeys(mutant.row for mutant in self.mutants))


def prove(root: Path, report: Report, *, rows: Sequence[str], tier: Tier, as_json: bool) -> bool:
    """Apply the mutants of these rows and groups, or all of a tier, and record what was seen; True when
    each one was killed.

    Raises ProofDataError for data that is wrong and for a row without mutants.
    """
    began = time.monotonic()
    sentences = {one.id: one.text for one in read_rows((root / ROWS).read_text())}
    written = read_mutants(root, sentences)
    generated, groups = read_generated(root)
    chosen = choose(written, generated, groups, rows=rows, tier=tier)
    killers = {mutant: test for one in read_record(root).values() for mutant, test in one.killers.items()}
    if not as_json:
        report.step(f"{len(chosen.mutants)} mutants of {len(chosen.rows)} rows and groups")
    done = _Progress(report, len(chosen.mutants), silent=as_json)
    with proof(root) as running:
        carried = running.carried()
        suites = [*suites_of(carried, chosen.rows, tier), *chosen.groups]
        if not as_json:
            report.step(f"{len(carried)} tests carry rows")
        digests = {
            id_: digest_of(sentence, [test for test, its in carried.items() if id_ in its])
            for id_, sentence in sentences.items()
        }
        try:
            running.judge(chosen.mutants, {suite.name: suite for suite in suites}, killers, done.tell)
        finally:
            # What was seen before an interruption need not be seen again.
            seen = updated(read_record(root), digests, [*written, *generated], done.verdicts)
            write_record(root, seen)
    _show(report, done.verdicts, time.monotonic() - began, as_json=as_json)
    return all(verdict.answer is Answer.KILLED for verdict in done.verdicts)


def choose(
    written: Sequence[Mutant], generated: Sequence[Mutant], groups: Sequence[Suite], *, rows: Sequence[str], tier: Tier
) -> Chosen:
    """The mutants of the rows and groups, or all of the tier. Raises ProofDataError for a row that has none."""
    of_tier = [*(mutant for mutant in written if mutant.tier is tier), *(generated if tier is Tier.FAST else ())]
    known = sorted({mutant.row for mutant in of_tier})
    without = [row for row in rows if row not in known] or ([] if known else ["any row"])
    if without:
        named = ", ".join(without)
        raise ProofDataError(f"no mutant of {named} in tier {tier}; rows and groups with mutants: {', '.join(known)}")
    mutants = tuple(mutant for mutant in of_tier if not rows or mutant.row in rows)
    return Chosen(mutants, tuple(group for group in groups if any(one.row == group.name for one in mutants)))


class _Progress:
    """A line for each tenth mutant and for each one that was not killed."""

    def __init__(self, report: Report, total: int, *, silent: bool) -> None:
        self._report, self._total, self._silent = report, total, silent
        self.verdicts: list[Verdict] = []

    def tell(self, verdict: Verdict) -> None:
        """Called by the workers' threads."""
        self.verdicts.append(verdict)
        done = len(self.verdicts)
        bad = verdict.answer is not Answer.KILLED
        if not self._silent and (bad or done % 10 == 0 or done == self._total):
            self._report.step(f"{done} of {self._total}" + (f"  {verdict.answer}: {verdict.mutant}" if bad else ""))


def _show(report: Report, verdicts: Sequence[Verdict], seconds: float, *, as_json: bool) -> None:
    if as_json:
        report.json(
            json.dumps({"seconds": round(seconds, 1), "mutants": [_plain(verdict) for verdict in verdicts]}, indent=1)
        )
        return
    counts: dict[str, Counter[Answer]] = {}
    for verdict in verdicts:
        counts.setdefault(verdict.mutant.row, Counter())[verdict.answer] += 1
        if verdict.answer is not Answer.KILLED:
            report.line(f"\n{verdict.answer}: {verdict.mutant}\n  in {verdict.mutant.file}:")
            report.line(f"  {verdict.mutant.old!r} -> {verdict.mutant.new!r}")
            report.line("\n".join(f"    {line}" for line in verdict.text.strip().splitlines()[-LINES:]))
    rows = [
        (
            row,
            str(count.total()),
            str(count[Answer.KILLED]),
            ", ".join(f"{n} {answer}" for answer, n in count.items() if answer is not Answer.KILLED),
        )
        for row, count in counts.items()
    ]
    report.table("proof", ("row", "mutants", "killed", "others"), rows)
    killed = sum(verdict.answer is Answer.KILLED for verdict in verdicts)
    report.line(f"{killed} of {len(verdicts)} mutants killed in {seconds:.0f} s")


def _plain(verdict: Verdict) -> dict[str, object]:
    mutant = verdict.mutant
    return {
        "row": mutant.row,
        "file": mutant.file,
        "breaks": mutant.breaks,
        "answer": str(verdict.answer),
        "killer": verdict.killer,
        "seconds": round(verdict.seconds, 2),
        "text": verdict.text,
    }
