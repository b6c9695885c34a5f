"""The folder of the workflows."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def folder(root: Path) -> Path:
    return root / ".github" / "workflows"
