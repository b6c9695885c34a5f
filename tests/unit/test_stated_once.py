"""Paths, ports and names that several rooms share are written down in one place: nobody else has them as a literal."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOMS = ("stacks", "components", "infra", "ops")
HOMES: dict[object, set[str]] = {
    "/health": {"stacks/specs/paths.py"},
    "/ready": {"stacks/specs/paths.py"},
    "/metrics": {"stacks/specs/paths.py"},
    8000: {"stacks/specs/workload.py"},
    3000: {"stacks/specs/workload.py"},
    5432: {"stacks/specs/store.py"},
    6379: {"stacks/specs/store.py"},
    443: {"stacks/specs/network.py"},
    "pgbouncer": {"stacks/specs/store.py"},
    "Strict-Transport-Security": {"infra/catalog/headers.py"},
    "X-Frame-Options": {"infra/catalog/headers.py"},
    "max-age=63072000; includeSubDomains": {"infra/catalog/headers.py"},
}
"""Each shared value with the file that states it."""

LITERALS = {
    "pgbouncer": {"components/pgbouncer.py", "ops/doctoring.py"},
    "3000": {"ops/report/publishing.py"},
}
"""Files in which the same literal is something else: a program, a number of characters."""


def literals(tree: ast.AST) -> Iterator[object]:
    """Texts and numbers of code, without docstrings, which are longer than any of the values."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | int) and not isinstance(node.value, bool):
            yield node.value


@pytest.fixture(scope="module")
def stated(root: Path) -> dict[object, set[str]]:
    """The files in which each of the shared values stands."""
    found: dict[object, set[str]] = {value: set() for value in HOMES}
    for room in ROOMS:
        # Templates of tests state what they expect, as tests do.
        for path in sorted(one for one in (root / room).rglob("*.py") if not one.name.startswith("test_")):
            for value in literals(ast.parse(path.read_text())):
                if value in found:
                    found[value].add(str(path.relative_to(root)))
    return found


@pytest.mark.parametrize("value", HOMES, ids=str)
def test_a_shared_value_is_stated_once(stated: dict[object, set[str]], value: object) -> None:
    assert stated[value] - LITERALS.get(str(value), set()) == HOMES[value]


def test_a_second_statement_is_noticed() -> None:
    assert list(literals(ast.parse('def f() -> str:\n    return "/health"'))) == ["/health"]
    assert list(literals(ast.parse("PORT = 8000"))) == [8000]
