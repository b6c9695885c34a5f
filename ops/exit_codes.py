"""Exit codes of ``contentgen``; 0 is done."""

from __future__ import annotations

from typing import Final

FAILED: Final = 1
USAGE: Final = 2
MACHINE: Final = 3
PUBLISHING: Final = 4
INTERRUPTED: Final = 130
