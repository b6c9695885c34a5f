"""Programs out of Debian's packages, unpacked in our cache and never installed: no root, the machine stays as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localcloud.servers import ServerError, cached

SECONDS = 180


@dataclass(frozen=True)
class Origin:
    """Origin of a program and the reason for the choice, for a person to read. ``libraries`` came with it."""

    program: Path
    libraries: Path | None
    version: str
    source: str


def unpacked(name: str, packages: Sequence[str]) -> Path | None:
    """The packages' files in a folder of our cache; None where apt-get cannot give them."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        return None
    try:
        return cached(name, lambda folder: _unpack(folder, packages))
    except (OSError, subprocess.SubprocessError):
        return None


def environment(libraries: Path | None) -> dict[str, str]:
    """A neutral locale, and the unpacked libraries where a program needs them."""
    variables = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    return {**variables, "LD_LIBRARY_PATH": str(libraries)} if libraries else variables


def version_line(program: Path, libraries: Path | None) -> str:
    """The first line of ``--version``. Raises ServerError for a program that does not run here."""
    command = [str(program), "--version"]
    done = subprocess.run(command, env=environment(libraries), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServerError(f"{program} does not run: {done.stderr.strip()}")
    return done.stdout.splitlines()[0]


def _unpack(folder: Path, packages: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        downloads = Path(scratch) / "downloads"
        downloads.mkdir()
        try:
            _apt(downloads, "download", *packages)
        except subprocess.CalledProcessError:
            # A new machine has no list of packages yet; one of our own needs no root.
            lists = _own_lists(Path(scratch))
            _apt(downloads, *lists, "update")
            _apt(downloads, *lists, "download", *packages)
        for archive in sorted(downloads.glob("*.deb")):
            dpkg = shutil.which("dpkg") or "dpkg"
            subprocess.run([dpkg, "-x", str(archive), str(folder)], check=True, capture_output=True)
    folder.chmod(0o755)


def _own_lists(scratch: Path) -> tuple[str, ...]:
    state, cache = scratch / "state", scratch / "cache"
    for part in (state / "lists" / "partial", cache / "archives" / "partial"):
        part.mkdir(parents=True)
    return ("-o", f"Dir::State::lists={state / 'lists'}", "-o", f"Dir::Cache={cache}")


def _apt(folder: Path, *arguments: str) -> None:
    command = ["apt-get", "-q", "-o", "APT::Sandbox::User=", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=SECONDS)
