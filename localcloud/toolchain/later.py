"""Builds in the background what a running stack can do without at first: at the lowest priority, in a process of its
own that outlives the command that began it. Cut off, it leaves nothing that looks whole, and the next goes on from it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from localcloud.paths import IMPORTED_FROM, cache_root
from localcloud.project import FOLDER_VARIABLE, project
from localcloud.toolchain import build
from localcloud.toolchain.compiler import ToolchainError, prune_build_caches
from localcloud.toolchain.families import LATER

LOWEST_PRIORITY = 19


def log_file() -> Path:
    return cache_root() / "toolchain" / "later.log"


def begin() -> bool:
    """Start the process where something is missing and not being built. True if something is being built now."""
    missing = [family for family in LATER if not build.is_built(family)]
    if not missing:
        return False
    if not any(build.is_being_built(family) for family in missing):
        own = {"PYTHONPATH": str(IMPORTED_FROM), FOLDER_VARIABLE: str(project().folder)}
        with log_file().open("w") as log:
            subprocess.Popen(
                [sys.executable, "-m", "localcloud.toolchain.later"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **own},
            )
    return True


def main() -> int:
    os.nice(LOWEST_PRIORITY)
    try:
        for family in LATER:
            build.ensure(family, lambda text: print(text, flush=True))
    except ToolchainError as error:
        print(error, flush=True)
        return 1
    prune_build_caches()
    return 0


if __name__ == "__main__":
    sys.exit(main())
