"""This checkout as it stands, committed or not, for whoever works on a copy of it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from ops.checkout import CHECKOUT


def copied(target: Path) -> None:
    """Every file that git knows or does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git is the user's own
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source, copy = CHECKOUT / name, target / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
