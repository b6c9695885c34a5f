"""docs/benchmarks.md: sections of tables, each written as soon as it was measured, so that a cut run loses nothing."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from pathlib import Path

import psutil

TITLE = "# Benchmarks\n"


@dataclass(frozen=True)
class Section:
    """A table with what it shows and the command that makes it."""

    title: str
    text: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        lines = [self.head, ("---",) * len(self.head), *self.rows]
        table = "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
        return f"## {self.title}\n\n{self.text}\n\n{table}\n"


def machine() -> str:
    """Description of the machine that the figures are from, without a name."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{psutil.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


def put(path: Path, section: Section) -> None:
    """The document with this section in place of the one of the same title, others as they are."""
    text = path.read_text() if path.exists() else TITLE
    kept = [part for part in re.split(r"(?=^## )", text, flags=re.MULTILINE) if part.startswith("## ")]
    others = [part for part in kept if not part.startswith(f"## {section.title}\n")]
    place = next((at for at, part in enumerate(kept) if part.startswith(f"## {section.title}\n")), len(others))
    parts = [*others[:place], section.markdown(), *others[place:]]
    path.write_text("\n".join([TITLE, *(part.rstrip("\n") + "\n" for part in parts)]))
