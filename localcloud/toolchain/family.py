"""The form in which a family of programs is described: sources, programs, files, flags; its content hash."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent

COMPILER_FLAGS = ("-trimpath", "-pgo=off", "-gcflags=all=-dwarf=false")
"""Without the debugger's tables, which the linker's ``-s -w`` would throw away again, and without profiles, for which
everything below a main package is compiled a second time.
"""
_LINKER_FLAGS = ("-s", "-w")


@dataclass(frozen=True)
class Binary:
    """One program: its file name, the Go package of its main, and the variables set at link time."""

    name: str
    package: str
    variables: tuple[str, ...] = ()

    @property
    def made_as(self) -> str:
        """The file name that the compiler gives it: the last part of the package's path that is not a version."""
        parts = [part for part in self.package.split("/") if not re.fullmatch(r"v\d+", part)]
        return parts[-1]


@dataclass(frozen=True)
class ModuleFiles:
    """Files taken out of a module's folder at build time and never committed here.

    ``target`` is relative to the family's result folder; with ``for_build`` to its source folder, where the compiler
    embeds them.
    """

    module: str
    pattern: str
    target: str
    for_build: bool = False


@dataclass(frozen=True)
class Cut:
    """In one file of a module, what is ``instead`` of the lines between the texts ``after`` and ``before``."""

    file: str
    after: str
    before: str
    instead: str = ""


@dataclass(frozen=True)
class Reduced:
    """A module of which a part is compiled: a copy of its verified files with cuts, and of ``folder`` only the files
    that are ``kept``. What is left is as it was. ``without`` says in words what it cannot do.
    """

    module: str
    without: str
    cuts: tuple[Cut, ...]
    folder: str = ""
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """A folder here with a go.mod, whose main module is ``module``. ``minutes`` is what its build takes on two free
    cores with nothing cached, ``tags`` are the compiler's.
    """

    name: str
    module: str
    minutes: float
    binaries: tuple[Binary, ...] = ()
    files: tuple[ModuleFiles, ...] = ()
    tags: tuple[str, ...] = ()
    reduced: tuple[Reduced, ...] = ()

    @property
    def source(self) -> Path:
        return HERE / self.name

    @property
    def packages(self) -> tuple[str, ...]:
        return tuple(binary.package for binary in self.binaries)

    @property
    def version(self) -> str:
        """The version of its main module."""
        return self.version_of(self.module)

    def version_of(self, module: str) -> str:
        """The version of one of its modules, as its go.mod pins it."""
        found = re.search(
            rf"^\s*(?:require )?{re.escape(module)} (\S+)", (self.source / "go.mod").read_text(), re.MULTILINE
        )
        return found[1] if found else "unknown"

    def flags(self) -> list[str]:
        """The compiler's, for every call that must find the same packages in the compiler's cache."""
        return [*COMPILER_FLAGS, *(["-tags", ",".join(self.tags)] if self.tags else [])]

    def linker_flags(self) -> str:
        """One set for all of its programs: a variable of a package that a program has not got is passed over."""
        variables = dict.fromkeys(variable for binary in self.binaries for variable in binary.variables)
        return " ".join([*_LINKER_FLAGS, *(f"-X {variable}" for variable in variables)])

    def key(self) -> str:
        """The content hash that names the result: sources, checksums, this description, flags and architecture, and no
        estimate.
        """
        described = {key: value for key, value in asdict(self).items() if key != "minutes"}
        parts = (described, self.flags(), self.linker_flags(), sys.platform, platform.machine())
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
        for path in sorted(self.source.rglob("*")):
            if path.name in ("go.mod", "go.sum") or path.suffix == ".go":
                digest.update(str(path.relative_to(self.source)).encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()[:16]
