"""Origin of a family's tools: the choice that a user can make, and the record of what was taken and why."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from localcloud.project import project
from localcloud.toolchain.compiler import ToolchainError

OFFICIAL = "official release"
BUILT = "built from Go modules"
PINNED = "the checksum pinned in sums.json"
_FILE = "origin.json"


class Way(StrEnum):
    """Values of PREFIX_TOOLS."""

    AUTO = "auto"
    """Official releases where their hosts answer, else the build."""
    OFFICIAL = "official"
    """Official releases or an error; KEDA, which has none, is built all the same."""
    BUILD = "build"
    """Builds alone: no release host is asked, and neither a fetched release nor an installed Pulumi is used."""


@dataclass(frozen=True)
class Fetched:
    """A file that was taken: its address, its SHA-256, and what that was compared with."""

    address: str
    sha256: str
    compared_with: str


@dataclass(frozen=True)
class Record:
    """Origin of one family's tools on this machine; kept in their folder."""

    origin: str
    reason: str = ""
    files: tuple[Fetched, ...] = field(default=())


def variable() -> str:
    """The name of the environment variable with the user's choice."""
    return project().variable("TOOLS")


def way() -> Way:
    """The user's choice. Raises ToolchainError for a value that is none."""
    value = os.environ.get(variable()) or Way.AUTO
    try:
        return Way(value)
    except ValueError as error:
        allowed = ", ".join(Way)
        raise ToolchainError(f"{variable()} is {value!r}; allowed are {allowed}. Fix: unset it, or set one.") from error


def write(folder: Path, record: Record) -> None:
    (folder / _FILE).write_text(json.dumps(asdict(record), indent=2) + "\n")


def read(folder: Path) -> Record:
    """The record of the tools in that folder; those of earlier versions were built and have none."""
    file = folder / _FILE
    if not file.exists():
        return Record(BUILT)
    kept = json.loads(file.read_text())
    return Record(kept["origin"], kept["reason"], tuple(Fetched(**one) for one in kept["files"]))
