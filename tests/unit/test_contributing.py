"""The pages for contributors and the glossary: each file, target and list of files that they name is as the code is."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOMS = ("app", "components", "docs", "infra", "localcloud", "ops", "policies", "stacks", "tests")
FILE = re.compile(rf"`((?:{'|'.join(ROOMS)})/[\w./-]*)`")
PLACEHOLDER = re.compile(r"[A-Z]{4,}(?!\w*\.md)|NAME(?=\.md)|PAGE(?=\.md)")
"""A part of a path that stands for any name; README.md is no placeholder."""
TARGET = re.compile(r"`make ([a-z-]+)")
TERM = re.compile(r"^\| ([^|]+) \| ([^|]+) \| `([^`]+)` \|$", re.MULTILINE)
EXAMPLES = {
    "A component": "TeamAccess",
    "A policy rule": "database-insight",
    "An alert": "JobsWithoutPartition",
    "An AWS type": "aws:kms/alias:Alias",
    "A product": "products.content_generation",
}
"""A thing of each kind that is there: the files that hold its name are the list of the section."""
WITHOUT_NAME = {
    "A component": {"tests/unit/test_AREA.py"},
    "A product": {f"stacks/products/PRODUCT/{name}.py" for name in ("profiles", "workloads", "alerts")},
}
"""Files of a list without the name: tests of what a component declares, a count of rules, what a product decides."""
DERIVED = ("tests/proof/", "docs/contributing.md", "tests/unit/test_contributing.py")


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "contributing.md").read_text()


@pytest.fixture(scope="module")
def glossary(root: Path) -> list[tuple[str, str, str]]:
    return TERM.findall((root / "docs" / "glossary.md").read_text())


def matching(root: Path, file: str) -> set[str]:
    """The files below the checkout that a path of the page stands for: itself, or all pages and modules that fit its
    placeholder; an index is named by itself.
    """
    pattern = PLACEHOLDER.sub("*", file)
    found = {str(path.relative_to(root)) for path in root.glob(pattern)}
    return found if pattern == file else {one for one in found if not one.endswith("README.md")}


def section(page: str, title: str) -> str:
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def listed(page: str, title: str) -> set[str]:
    """The files of the first column of a section's table."""
    rows = [line.split(" | ")[0] for line in section(page, title).splitlines() if line.startswith("| `")]
    return {file for row in rows for file in FILE.findall(row)}


def holding(root: Path, name: str) -> set[str]:
    command = ["git", "grep", "-l", "--fixed-strings", name]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    return {file for file in done.stdout.splitlines() if not file.startswith(DERIVED)}


def test_every_file_that_the_page_names_is_there(root: Path, page: str) -> None:
    named = FILE.findall(page)
    assert len(named) > 60
    assert [file for file in named if not matching(root, file)] == []


def test_a_file_that_is_gone_and_a_placeholder_that_nothing_fits_are_noticed(root: Path) -> None:
    assert matching(root, "stacks/no_such.py") == matching(root, "components/no_NAME.py") == set()
    assert matching(root, "policies/README.md") == {"policies/README.md"}


@pytest.mark.parametrize("name", ["docs/contributing.md", "README.md", "CHANGELOG.md"])
def test_every_target_that_a_page_names_is_in_the_makefile(root: Path, name: str) -> None:
    targets = re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE)
    named = set(TARGET.findall((root / name).read_text()))
    assert named
    assert named - set(targets) == set()


@pytest.mark.parametrize("title", EXAMPLES)
def test_the_list_of_files_is_that_of_a_thing_of_its_kind(root: Path, page: str, title: str) -> None:
    """Files outside the tests are exactly those that hold the name; each of the tests that are listed holds it."""
    name = EXAMPLES[title]
    assert f"Example: `{name}`" in section(page, title)
    files = listed(page, title) - WITHOUT_NAME.get(title, set())
    found = holding(root, name)
    for file in files:
        assert matching(root, file) & found, f"{file} has nothing to do with {name}"
    fitting = {one for file in files for one in matching(root, file)}
    assert {file for file in found - fitting if not file.startswith("tests/")} == set()


def test_a_policy_rule_has_as_many_cases_as_the_page_asks_for(page: str) -> None:
    from tests.policies.test_corpus import LEAST

    assert LEAST == 5
    assert section(page, "A policy rule").count("five ") == 2


def test_every_room_has_its_row(root: Path, page: str) -> None:
    rows = re.findall(r"^\| `(\w+)/` \|", section(page, "Where code goes"), re.MULTILINE)
    assert sorted(rows) == sorted(ROOMS)
    assert all((root / row).is_dir() for row in rows)


def test_every_term_of_the_glossary_is_one_sentence_and_lives_in_its_file(
    root: Path, glossary: list[tuple[str, str, str]]
) -> None:
    assert len(glossary) > 30
    for term, meaning, file in glossary:
        assert re.fullmatch(r"[A-Z`][^|]*\.", meaning) and ". " not in meaning.replace(".mod by", ""), term
        assert (root / file).is_file(), f"{term}: {file}"
        place = f"{file} {(root / file).read_text()}"
        assert re.search(re.sub(r"[ -]", r"[\\s-]+", term), place, re.IGNORECASE), f"{file} does not speak of {term}"


def test_terms_of_the_glossary_are_in_order_and_each_once(glossary: list[tuple[str, str, str]]) -> None:
    terms = [term for term, _, _ in glossary]
    assert terms == sorted(set(terms))


def test_the_readme_leads_to_both_pages(root: Path) -> None:
    text = (root / "README.md").read_text()
    assert "(docs/contributing.md)" in text
    assert "(docs/glossary.md)" in text
