"""Plain technical English: first words of docstrings, descriptions of fields, words of user-facing strings."""

from __future__ import annotations

import ast
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest
from pydantic import BaseModel

from app.settings import Settings
from infra import settings

PRODUCT: Final = ("infra", "stacks", "components", "policies", "app", "ops", "localcloud")
QUESTIONS: Final = ("What", "Who", "Whom", "Whose", "How", "Which", "Whether", "Where", "When", "Why", "That")
DIALECT: Final = re.compile(
    r"\b(told|nobody|somebody|anybody|everybody|whoever|hears?|heard|believed|tells?)\b", re.IGNORECASE
)
"""Words for people in place of the field's terms: a message names the resource, field, value and fix."""
PERSONS: Final = re.compile(DIALECT.pattern.replace("|tells?", ""), re.IGNORECASE)
"""The same in docstrings, where a value may tell one thing from another."""
NAMES: Final = re.compile("^nobody$|`nobody`")
"""The operating system's user without rights."""
COMMANDS: Final = (
    "ops/cli.py",
    "ops/commands/checking.py",
    "ops/commands/cloud.py",
    "ops/commands/delivery.py",
    "ops/commands/making.py",
    "app/cli.py",
    "app/operating.py",
    "app/data_commands.py",
)
"""Modules whose docstrings are the help of commands."""
SPECIFIED: Final = ("infra", "stacks", "components")
"""Packages whose dataclasses are arguments of components, specs and values of the catalogue."""


def parsed(root: Path, package: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((root / package).rglob("*.py")):
        yield str(path.relative_to(root)), ast.parse(path.read_text())


def docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Docstrings of modules, classes, functions and attributes."""
    for holder in ast.walk(tree):
        body = getattr(holder, "body", None)
        for one in body if isinstance(body, list) else []:
            if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str):
                yield one.value


def questions(tree: ast.Module) -> list[str]:
    """Docstrings that open with a question word."""
    texts = [(one.lineno, str(one.value)) for one in docstrings(tree)]
    opens = re.compile(rf"\W*({'|'.join(QUESTIONS)})\b", re.IGNORECASE)
    return [f"line {line}: {text.splitlines()[0]}" for line, text in texts if opens.match(text)]


def undescribed(tree: ast.Module) -> list[str]:
    """Fields of dataclasses and named tuples without a line ``name: text`` in the class's docstring."""
    found = []
    for one in ast.walk(tree):
        if isinstance(one, ast.ClassDef) and _has_fields(one):
            heads = re.findall(r"^(\w+(?:, \w+)*): \S", ast.get_docstring(one) or "", re.MULTILINE)
            described = {name for head in heads for name in head.split(", ")}
            fields = [field.target for field in one.body if isinstance(field, ast.AnnAssign)]
            names = [target.id for target in fields if isinstance(target, ast.Name)]
            found += [f"{one.name}.{name}" for name in names if name not in described]
    return found


def _has_fields(one: ast.ClassDef) -> bool:
    marks = [ast.unparse(mark) for mark in (*one.decorator_list, *one.bases)]
    return any("dataclass" in mark or mark == "NamedTuple" for mark in marks)


def dialect(tree: ast.Module, *, of_commands: bool = False) -> list[str]:
    """Strings with a word of ``DIALECT``, and docstrings with one of ``PERSONS``; those of commands are messages."""
    described = set() if of_commands else {id(one) for one in docstrings(tree)}
    return [
        f"line {one.lineno}: {one.value}"
        for one in ast.walk(tree)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
        if (PERSONS if id(one) in described else DIALECT).search(NAMES.sub("", one.value))
    ]


@pytest.mark.parametrize("package", [*PRODUCT, "tests"])
def test_no_docstring_opens_with_a_question_word(root: Path, package: str) -> None:
    assert [f"{path}: {one}" for path, tree in parsed(root, package) for one in questions(tree)] == []


@pytest.mark.parametrize(
    "program",
    [
        '"""What it is."""',
        'def f():\n    """Whether it is."""',
        'class A:\n    """where it is."""',
        'A = 1\n"""How."""',
    ],
)
def test_a_docstring_that_opens_with_a_question_word_is_found(program: str) -> None:
    assert len(questions(ast.parse(program))) == 1
    assert questions(ast.parse(program.replace('"""', '"""The point: ', 1))) == []


@pytest.mark.parametrize("package", SPECIFIED)
def test_every_field_of_arguments_and_specs_has_its_line(root: Path, package: str) -> None:
    assert [f"{path}: {one}" for path, tree in parsed(root, package) for one in undescribed(tree)] == []


def test_a_field_without_its_line_is_found() -> None:
    fields = "    a: int\n    b: int\n    c: int = 0\n"
    program = f'@dataclass(frozen=True)\nclass A:\n    """Of an a.\n\n    a, b: both.\n    c: count.\n    """\n{fields}'
    assert undescribed(ast.parse(program)) == []
    assert undescribed(ast.parse(program.replace("c: count", "count"))) == ["A.c"]
    assert undescribed(ast.parse(program.replace("a, b: both", "b: one"))) == ["A.a"]
    assert undescribed(ast.parse(f"class A(NamedTuple):\n{fields}")) == ["A.a", "A.b", "A.c"]


def models() -> list[type[BaseModel]]:
    names = [one.name for one in pkgutil.iter_modules(settings.__path__, f"{settings.__name__}.")]
    modules = [import_module(name) for name in names]
    declared = [one for module in modules for one in vars(module).values() if isinstance(one, type)]
    return [Settings, *(one for one in dict.fromkeys(declared) if issubclass(one, BaseModel) and one.model_fields)]


def is_section(kind: object) -> bool:
    """True if the field is a model of its own, whose docstring describes it."""
    return isinstance(kind, type) and issubclass(kind, BaseModel) and bool(kind.__doc__)


@pytest.mark.parametrize("model", models(), ids=lambda one: one.__name__)
def test_every_setting_has_a_description(model: type[BaseModel]) -> None:
    fields = model.model_fields.items()
    assert [name for name, one in fields if not one.description and not is_section(one.annotation)] == []


def test_the_settings_of_stacks_and_of_the_service_are_looked_at() -> None:
    names = {one.__name__ for one in models()}
    assert {"Settings", "StackSettings", "PostgresSettings", "ClusterSettings", "NodeSettings", "Exemption"} <= names


@pytest.mark.parametrize("package", PRODUCT)
def test_no_message_or_docstring_has_a_word_of_the_dialect(root: Path, package: str) -> None:
    trees = parsed(root, package)
    found = [(path, one) for path, tree in trees for one in dialect(tree, of_commands=path in COMMANDS)]
    assert [f"{path}: {one}" for path, one in found] == []


def test_no_runbook_has_a_word_of_the_dialect(root: Path) -> None:
    pages = [root / "README.md", *sorted((root / "docs/runbooks").glob("*.md"))]
    assert [
        f"{page.name}: {line}" for page in pages for line in page.read_text().splitlines() if DIALECT.search(line)
    ] == []


def test_a_text_with_a_word_of_the_dialect_is_found() -> None:
    program = ast.parse('"""Tells a from b."""\nsummary = f"nobody knows how {name} is"\nuser = "nobody"\n')
    assert dialect(program) == ["line 2: nobody knows how "]
    assert len(dialect(program, of_commands=True)) == 2
    assert dialect(ast.parse('"""Read as `nobody`, who is told nothing."""')) != []
    assert dialect(ast.parse('"""Read as `nobody`."""')) == []
