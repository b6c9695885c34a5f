"""A toolchain that has nothing in it, for what must not start anything."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from localcloud.toolchain.origin import Engine, Toolchain


def toolchain(folder: Path) -> Toolchain:
    """Every tool and file at one path where nothing is."""
    nothing = folder / "nothing"
    engine = Engine(nothing, "0", "nowhere", official=False)
    return Toolchain(engine, defaultdict(lambda: nothing), *[nothing] * 6)
