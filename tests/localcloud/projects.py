"""Projects that are none of this checkout's, for what localcloud reads of one."""

from __future__ import annotations

import json
from pathlib import Path

NAME = "shop"


def written(folder: Path, **keys: object) -> Path:
    """A project in that folder with these keys in its table, underscores for dashes; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text(f"name: {NAME}\nruntime: python\n")
    lines = [f"{key.replace('_', '-')} = {json.dumps(value)}" for key, value in keys.items()]
    (folder / "pyproject.toml").write_text("\n".join(["[tool.localcloud]", *lines, ""]))
    return folder
