"""Stacks that a change cannot touch: nothing that they are made of, or judged by, differs from the base.

Their base would be deployed to show that nothing changes. Documents and tests are most of many changes.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from infra.settings.errors import SettingsError
from infra.settings.exemptions import exemptions

MADE_OF: Final = (
    "Pulumi.yaml",
    "app",
    "components",
    "infra",
    "localcloud",
    "ops",
    "policies",
    "pyproject.toml",
    "requirements.lock",
    "stacks",
)
"""Files of every stack, with those that deploy, judge and price it; beside these its own stack file."""


def untouched(checkout: Path, base: str, stack: str) -> bool:
    """True if the files of a stack are those of the base, and no day decides about it: an exemption ends by itself.

    What git cannot compare counts as touched.
    """
    paths = [*MADE_OF, f"Pulumi.{stack}.yaml"]
    changed = _git(checkout, "diff", "--quiet", base, "--", *paths)
    added = _git(checkout, "ls-files", "--others", "--exclude-standard", "--", *paths)
    same = changed.returncode == 0 and added.returncode == 0 and not added.stdout
    try:
        return same and not exemptions(checkout, stack)
    except SettingsError:
        # Its own row tells what is wrong with them.
        return False


def _git(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
