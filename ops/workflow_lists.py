"""Lists of stacks in workflows, which the platform wants written out: made from the stack files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from infra.settings.environment import Environment
from infra.settings.stack_file import stacks
from ops.delivered_stacks import delivered

WORKFLOWS: Final = Path(".github/workflows")
MATRIX: Final = re.compile(r"(?<=^        stack:\n)(?:          - .+\n)+", re.MULTILINE)
"""The matrix of preview.yaml: every stack, so that each gets a check of its own by its name."""
OPTIONS: Final = re.compile(r"(?<=^        options: )\[.*\]$", re.MULTILINE)
"""The choice of deploy.yaml: the stacks that people deploy by hand, which production's are not."""
BY_HAND: Final = (Environment.DEV, Environment.STAGING)


class ListMissingError(Exception):
    """A workflow has no list of stacks where one is written; the message has the file and the pattern."""


def workflow_lists(root: Path) -> dict[Path, str]:
    """The workflows of a checkout with their lists; a folder without workflows has none."""
    if not (root / WORKFLOWS).is_dir():
        return {}
    every, by_hand = stacks(root), delivered(root, BY_HAND)
    return {
        WORKFLOWS / "preview.yaml": _listed(root / WORKFLOWS / "preview.yaml", MATRIX, _lines(every)),
        WORKFLOWS / "deploy.yaml": _listed(root / WORKFLOWS / "deploy.yaml", OPTIONS, f"[{', '.join(by_hand)}]"),
    }


def _lines(names: Sequence[str]) -> str:
    return "".join(f"          - {name}\n" for name in names)


def _listed(file: Path, pattern: re.Pattern[str], names: str) -> str:
    text, count = pattern.subn(names, file.read_text())
    if count != 1:
        raise ListMissingError(f"{file}: has {count} lists of the form {pattern.pattern!r}; it must have one")
    return text
