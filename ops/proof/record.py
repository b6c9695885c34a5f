"""Results of ``make prove`` that are committed, so that docs/requirements.md says no more than was seen.

``tests/proof/record.json`` has for each row a digest of its sentence and of the names of its tests, and the mutants
that were killed under that digest, each with the test that noticed it. A row whose sentence, tests or mutants changed
is only shown again until it is proven anew; edits inside a test or of other code change nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ops.proof.mutants import Mutant, ProofDataError
from ops.proof.verdicts import Answer, Verdict

RECORD: Final = Path("tests/proof/record.json")


class Proven(BaseModel):
    """Recorded result of one row."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    of: str
    """Digest of the row's sentence and the names of its tests."""
    killed: Mapping[str, str]
    """Digests of mutants with the test that noticed each."""
    before: Mapping[str, str] = {}
    """The same for mutants that were noticed when the row had another digest: asked first, and no proof."""

    @property
    def killers(self) -> Mapping[str, str]:
        """The test to ask first, by mutant."""
        return {**self.before, **self.killed}


Record = Mapping[str, Proven]
_FILE: Final = TypeAdapter(dict[str, Proven])


def digest_of(sentence: str, tests: Iterable[str]) -> str:
    """The digest of a row: its sentence and its tests' names, the cases of one test being one name."""
    names = sorted({test.partition("[")[0] for test in tests})
    return hashlib.sha256("\0".join([sentence, *names]).encode()).hexdigest()[:12]


def read_record(root: Path) -> Record:
    """Recorded results; nothing where nothing was recorded. Raises ProofDataError for a file of another form."""
    path = root / RECORD
    try:
        return _FILE.validate_json(path.read_text()) if path.exists() else {}
    except ValidationError as error:
        raise ProofDataError(f"{RECORD}: {error}; fix: delete it and run `make prove`") from error


def write_record(root: Path, record: Record) -> None:
    """Write the record in an order that does not depend on the run."""
    ordered = {row: _plain(one) for row, one in sorted(record.items())}
    (root / RECORD).parent.mkdir(parents=True, exist_ok=True)
    (root / RECORD).write_text(json.dumps(ordered, indent=1) + "\n")


def updated(
    record: Record, digests: Mapping[str, str], mutants: Sequence[Mutant], verdicts: Iterable[Verdict]
) -> Record:
    """The record after a run: verdicts of this run replace older ones; what belongs to no mutant any more is gone."""
    there: dict[str, set[str]] = {}
    for mutant in mutants:
        there.setdefault(mutant.row, set()).add(mutant.digest)
    killed = {row: _still(record.get(row), digests.get(row, ""), its) for row, its in there.items()}
    for verdict in verdicts:
        its = killed.setdefault(verdict.mutant.row, {})
        its.pop(verdict.mutant.digest, None)
        if verdict.answer is Answer.KILLED:
            its[verdict.mutant.digest] = verdict.killer
    before = {row: _before(record.get(row), its, killed[row]) for row, its in there.items()}
    return {
        row: Proven(of=digests.get(row, ""), killed=its, before=before.get(row, {}))
        for row, its in killed.items()
        if its or before.get(row)
    }


def is_proven(row: str, digest: str, mutants: Sequence[Mutant], record: Record) -> bool:
    """Each mutant of the row was seen to be killed by tests of these names."""
    mine = [mutant.digest for mutant in mutants if mutant.row == row]
    seen = record.get(row)
    return bool(mine) and seen is not None and seen.of == digest and set(mine) <= set(seen.killed)


def _still(seen: Proven | None, digest: str, mutants: set[str]) -> dict[str, str]:
    if seen is None or seen.of != digest:
        return {}
    return {mutant: test for mutant, test in seen.killed.items() if mutant in mutants}


def _before(seen: Proven | None, mutants: set[str], killed: Mapping[str, str]) -> dict[str, str]:
    known = seen.killers if seen else {}
    return {mutant: test for mutant, test in known.items() if mutant in mutants and mutant not in killed}


def _plain(one: Proven) -> dict[str, object]:
    parts = {"of": one.of, "killed": dict(sorted(one.killed.items())), "before": dict(sorted(one.before.items()))}
    return {name: part for name, part in parts.items() if part or name != "before"}
