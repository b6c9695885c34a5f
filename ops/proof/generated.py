"""Mutants made from the code: every comparison and every number of the files that hold rules, limits and thresholds.

``tests/proof/generated.yaml`` names the groups of files with the tests that must notice their mutants;
``tests/proof/equivalent.yaml`` has those that change no behaviour, each with the reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ops.proof.mutants import Mutant, ProofDataError
from ops.proof.runner import Suite

T = TypeVar("T")

GROUPS: Final = Path("tests/proof/generated.yaml")
EQUIVALENT: Final = Path("tests/proof/equivalent.yaml")

EXAMPLE: Final = "Break"
"""Class of the examples that a policy refuses (policies/rule.py)."""

OTHER: Final[Mapping[type[ast.cmpop], tuple[str, str]]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: (r"\bin\b", "not in"),
    ast.NotIn: (r"\bnot\s+in\b", "in"),
    ast.Is: (r"\bis\b", "is not"),
    ast.IsNot: (r"\bis\s+not\b", "is"),
}
"""Each comparison: the pattern of its operator and the operator that takes its place."""


class _Group(BaseModel):
    """Files whose comparisons and numbers are changed, and the tests that must notice."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    files: Annotated[list[str], Field(min_length=1)]
    """Patterns of paths below the checkout."""
    tests: Annotated[list[str], Field(min_length=1)]
    """Test files below the checkout."""


_GROUPS: Final = TypeAdapter(dict[str, _Group])
_REASONS: Final = TypeAdapter(dict[str, str])


def read_generated(root: Path) -> tuple[tuple[Mutant, ...], tuple[Suite, ...]]:
    """The generated mutants that change behaviour, and the tests of each group.

    Raises ProofDataError for a file of another form, for a pattern without files, for tests that are missing and for an
    equivalent mutant that the code does not give any more.
    """
    groups, reasons = _read(root, GROUPS, _GROUPS), _read(root, EQUIVALENT, _REASONS)
    found, findings = [], []
    for name, group in groups.items():
        paths = sorted({path for pattern in group.files for path in root.glob(pattern)})
        findings += [f"{GROUPS}: {name}: no file {one}" for one in group.files if not any(root.glob(one))]
        findings += [f"{GROUPS}: {name}: no test file {test}" for test in group.tests if not (root / test).is_file()]
        found += [one for path in paths for one in mutants_of(name, str(path.relative_to(root)), path.read_text())]
    labels = {one.breaks for one in found}
    findings += [
        f"{EQUIVALENT}: no mutant is named {one!r}; fix: delete the entry" for one in reasons if one not in labels
    ]
    if findings:
        raise ProofDataError("\n".join(findings))
    suites = tuple(Suite(name, tuple(group.tests)) for name, group in groups.items())
    return tuple(one for one in found if one.breaks not in reasons), suites


def mutants_of(group: str, file: str, text: str) -> tuple[Mutant, ...]:
    """A mutant for each comparison and each number of a Python file, numbered where two would have one name."""
    found: list[Mutant] = []
    names: dict[str, int] = {}
    for begin, end, new in sorted(_edits(text)):
        line = text[text.rfind("\n", 0, begin) + 1 : (text.find("\n", begin) + 1 or len(text) + 1) - 1].strip()
        name = f"{file}: {text[begin:end]} becomes {new} in: {line}"
        names[name] = names.get(name, 0) + 1
        label = name if names[name] == 1 else f"{name} ({names[name]})"
        before, after = _surroundings(text, begin, end)
        edited = f"{before}{new}{after}"
        found.append(Mutant(row=group, file=file, old=f"{before}{text[begin:end]}{after}", new=edited, breaks=label))
    return tuple(found)


def _edits(text: str) -> Iterator[tuple[int, int, str]]:
    """Begin, end and new text of each edit."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def place(line: int, column: int) -> int:
        row = text[starts[line - 1] : starts[line]]
        return starts[line - 1] + len(row.encode()[:column].decode())

    for node in _nodes(ast.parse(text)):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield (
                place(node.lineno, node.col_offset),
                place(node.end_lineno or 0, node.end_col_offset or 0),
                _next(node),
            )
        if isinstance(node, ast.Compare):
            for (left, right), operator in zip(pairwise([node.left, *node.comparators]), node.ops, strict=True):
                begin = place(left.end_lineno or 0, left.end_col_offset or 0)
                pattern, new = OTHER[type(operator)]
                match = re.search(pattern, text[begin : place(right.lineno, right.col_offset)])
                if match:
                    yield begin + match.start(), begin + match.end(), new


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those of a policy's examples, which are no part of what it checks."""
    yield tree
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == EXAMPLE):
            yield from _nodes(node)


def _next(node: ast.Constant) -> str:
    return repr(node.value + 1) if isinstance(node.value, int | float) else ""


def _surroundings(text: str, begin: int, end: int) -> tuple[str, str]:
    """Whole lines before and after an edit, as many as it takes until they occur once."""
    first, last = text.rfind("\n", 0, begin) + 1, text.find("\n", end)
    last = len(text) if last < 0 else last
    while text.count(text[first:last]) > 1:
        first = text.rfind("\n", 0, max(first - 1, 0)) + 1
        following = text.find("\n", last + 1)
        last = len(text) if following < 0 else following
    return text[first:begin], text[end:last]


def _read(root: Path, path: Path, form: TypeAdapter[dict[str, T]]) -> dict[str, T]:
    try:
        return form.validate_python((yaml.safe_load((root / path).read_text()) or {}) if (root / path).exists() else {})
    except (ValidationError, yaml.YAMLError) as error:
        raise ProofDataError(f"{path}: {error}") from error
