"""Mutants as data: small edits that each break one part of a requirement row, kept beside the tests.

``tests/proof/mutants/*.yaml`` maps a row to its mutants; ``tests/proof/partial.yaml`` maps a row that is met in part to
what is missing of it (design.md, "Proof").
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

FOLDER: Final = Path("tests/proof/mutants")
PARTIAL: Final = Path("tests/proof/partial.yaml")

Text = Annotated[str, Field(min_length=1)]


class ProofDataError(Exception):
    """The data of the proof is wrong; the message has one line for each finding."""


class Tier(StrEnum):
    """Tier of tests that can notice a mutant: those without a deployed stack, or the engine tier."""

    FAST = "fast"
    ENGINE = "engine"


class _Written(BaseModel):
    """One mutant as its file has it."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    file: Text
    old: Text
    new: str
    breaks: Text
    tier: Annotated[Tier, Field(strict=False)] = Tier.FAST


class Mutant(BaseModel):
    """One edit of one file and the part of a row that it breaks."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    row: str
    """Id of the row in docs/requirements.yaml; of a generated mutant the name of its group."""
    file: str
    """Path below the checkout."""
    old: str
    """Text that occurs exactly once in the file."""
    new: str
    """Text that takes its place."""
    breaks: str
    """One sentence: the behaviour that is gone with the edit."""
    tier: Tier = Tier.FAST
    """Tests that are run against it."""

    @property
    def digest(self) -> str:
        """Short name of the mutant by its content: an edited mutant is another one."""
        text = "\0".join((self.row, self.file, self.old, self.new, self.tier))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def applied(self, text: str) -> str:
        """The file's text with the edit. Raises ProofDataError where the old text is not there exactly once."""
        count = text.count(self.old)
        if count != 1:
            raise ProofDataError(f"{self}: the old text occurs {count} times in {self.file}, allowed is once")
        return text.replace(self.old, self.new)

    def __str__(self) -> str:
        return f"{self.row}: {self.breaks}"


_FILE: Final = TypeAdapter(dict[str, list[_Written]])
_PARTIAL: Final = TypeAdapter(dict[str, Annotated[list[Text], Field(min_length=1)]])


def read_mutants(root: Path, rows: Collection[str]) -> tuple[Mutant, ...]:
    """Every mutant of the checkout, in the order of files and rows.

    Raises ProofDataError with all findings at once: unknown row, file that is missing, old text that is not there
    exactly once, edit that changes nothing, Python that does not parse, two equal mutants.
    """
    mutants: list[Mutant] = []
    findings: list[str] = []
    for path in sorted((root / FOLDER).glob("*.yaml")):
        where = path.relative_to(root)
        try:
            written = _FILE.validate_python(yaml.safe_load(path.read_text()) or {})
        except (ValidationError, yaml.YAMLError) as error:
            findings.append(f"{where}: {error}; fix: rows of lists of file, old, new, breaks and optional tier")
            continue
        findings += [f"{where}: row {row!r} is not in docs/requirements.yaml" for row in written if row not in rows]
        mutants += [Mutant(row=row, **one.model_dump()) for row, ones in written.items() for one in ones]
    findings += problems(root, mutants)
    if findings:
        raise ProofDataError("\n".join(findings))
    return tuple(mutants)


def problems(root: Path, mutants: Sequence[Mutant]) -> list[str]:
    """One sentence for each mutant that cannot be applied or says nothing."""
    texts: dict[str, str | None] = {}
    found, seen = [], set()
    for mutant in mutants:
        if mutant.file not in texts:
            path = root / mutant.file
            texts[mutant.file] = path.read_text() if path.is_file() else None
        problem = _problem(mutant, texts[mutant.file])
        if not problem and mutant.digest in seen:
            problem = f"{mutant}: the same edit stands twice; fix: delete one"
        seen.add(mutant.digest)
        found += [problem] if problem else []
    return found


def read_partial(root: Path, rows: Collection[str]) -> Mapping[str, tuple[str, ...]]:
    """Missing parts of each row that is met in part. Raises ProofDataError with all findings."""
    path = root / PARTIAL
    try:
        written = _PARTIAL.validate_python((yaml.safe_load(path.read_text()) or {}) if path.exists() else {})
    except (ValidationError, yaml.YAMLError) as error:
        raise ProofDataError(f"{PARTIAL}: {error}; fix: rows with a list of sentences") from error
    strangers = [f"{PARTIAL}: row {row!r} is not in docs/requirements.yaml" for row in written if row not in rows]
    if strangers:
        raise ProofDataError("\n".join(strangers))
    return {row: tuple(missing) for row, missing in written.items()}


def _problem(mutant: Mutant, text: str | None) -> str | None:
    if text is None:
        return f"{mutant}: the file {mutant.file} is missing; fix: name the file that holds the feature now"
    if mutant.old == mutant.new:
        return f"{mutant}: old and new text are equal in {mutant.file}, so nothing is broken"
    try:
        edited = mutant.applied(text)
    except ProofDataError as error:
        return f"{error}; fix: give a text that stands there once: {mutant.old.strip().splitlines()[0]!r}"
    if mutant.file.endswith(".py"):
        try:
            ast.parse(edited)
        except SyntaxError as error:
            return f"{mutant}: {mutant.file} does not parse with the edit (line {error.lineno}); fix: the new text"
    return None
