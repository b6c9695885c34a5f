"""Files that decide what passes have owners of their own, whose names a project that takes them over must replace."""

from __future__ import annotations

import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

from ops.report.policy_changes import judges

PLACEHOLDER = "@your-organisation/"
POLICY_OWNERS = f"{PLACEHOLDER}policy-owners"


@pytest.fixture(scope="module")
def owners(root: Path) -> list[tuple[str, str]]:
    """Each pattern with its one owner, in the order of the file."""
    lines = [line.split() for line in (root / ".github" / "CODEOWNERS").read_text().splitlines()]
    return [(line[0], line[1]) for line in lines if line and not line[0].startswith("#")]


@pytest.fixture(scope="module")
def files(root: Path) -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=root, check=True, capture_output=True, text=True)  # noqa: S607
    return listed.stdout.splitlines()


def matches(pattern: str, file: str) -> bool:
    if pattern == "*":
        return True
    place = pattern.removeprefix("/")
    return file.startswith(place) if place.endswith("/") else fnmatch(file, place)


def owner(owners: list[tuple[str, str]], file: str) -> str:
    return [name for pattern, name in owners if matches(pattern, file)][-1]


def test_every_pattern_has_files(owners: list[tuple[str, str]], files: list[str]) -> None:
    assert [pattern for pattern, _ in owners if not any(matches(pattern, file) for file in files)] == []


def test_every_file_that_decides_what_passes_is_owned_by_those_who_own_the_policies(
    owners: list[tuple[str, str]], files: list[str]
) -> None:
    deciding = judges(files)
    assert len(deciding) > 40
    assert [file for file in deciding if owner(owners, file) != POLICY_OWNERS] == []


def test_every_owner_is_a_name_that_is_marked_to_be_replaced(root: Path, owners: list[tuple[str, str]]) -> None:
    assert {name.partition("/")[0] + "/" for _, name in owners} == {PLACEHOLDER}
    head = (root / ".github" / "CODEOWNERS").read_text().partition("\n*")[0]
    assert "REPLACE: your-organisation" in head
