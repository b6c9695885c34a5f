"""Documents: the rows are the ones agreed on, and every page that a page names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ops.requirements import ROWS, read_rows

LINK = re.compile(r"\[[^\]]*\]\((?!https?://|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
QUOTED = re.compile(r"`((?:docs|infra|stacks|components|policies|app|ops|localcloud|tests)/[\w./-]+)`")
AGREED = dict(re.findall(r"([A-Z])([0-9]+)", "A16 B5 C2 D2 E14 G6 K21 L6 M5 O18 P5 R3 S11 T6 W8 X3 Y9 Z11"))
"""Number of rows of each letter; they are numbered from 1."""
SOURCES = ("card", "A", "B", "C", "D", "E")


def pages(root: Path) -> list[Path]:
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def test_the_rows_are_exactly_the_ones_agreed_on(root: Path) -> None:
    ids = [row.id for row in read_rows((root / ROWS).read_text())]
    assert sorted(ids) == sorted(
        f"{letter}{number:02}" for letter, count in AGREED.items() for number in range(1, int(count) + 1)
    )


def test_every_row_says_where_it_is_from_and_what_it_asks_for(root: Path) -> None:
    for row in read_rows((root / ROWS).read_text()):
        assert row.source in SOURCES, f"{row.id} is from {row.source}"
        assert len(row.text) > 20, f"{row.id} says too little"


def test_every_page_that_a_page_links_to_is_there(root: Path) -> None:
    missing = [
        f"{page.relative_to(root)} -> {target}"
        for page in pages(root)
        for target in LINK.findall(CODE.sub("", page.read_text()))
        if not (page.parent / target).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_every_file_of_ours_that_a_page_quotes_is_there(root: Path, page: str) -> None:
    quoted = QUOTED.findall((root / page).read_text())
    assert [path for path in quoted if not (root / path).exists()] == []
