"""The distribution as it would be installed: built without a network, unpacked into a folder."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path


def unpacked(root: Path, folder: Path) -> Path:
    """The files of localcloud's wheel, below that folder; the folder to import from."""
    build = [sys.executable, "-m", "uv", "build", "--wheel", "--no-build-isolation", "--offline", "--quiet"]
    command = [*build, "--python", sys.executable, "--out-dir", str(folder), str(root / "localcloud")]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("localcloud-*.whl")
    packages = folder / "packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    return packages
