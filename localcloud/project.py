"""The project that an embedded cloud is for: all that localcloud knows of it, from ``[tool.localcloud]`` of its
pyproject.toml.

A process works for the folder of ``LOCALCLOUD_PROJECT``, which what localcloud starts inherits; without it for the
nearest one at or above its working folder that has such a table.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import yaml

FOLDER_VARIABLE: Final = "LOCALCLOUD_PROJECT"
FILE: Final = "pyproject.toml"
TABLE: Final = "tool.localcloud"
PULUMI_FILE: Final = "Pulumi.yaml"
SERVERS: Final = ("postgres", "redis", "pgbouncer")
"""Images that can be run for every project."""
DEFAULT_COMMAND: Final = "python -m localcloud"
Table: TypeAlias = Mapping[str, object]


class ProjectError(Exception):
    """There is no project, or its table is wrong; the message has every problem, each with file, key and value."""


@dataclass(frozen=True)
class Application:
    """The program that a project has in its checkout, beside those in ``images/``.

    image: last part of the name of its image.
    package: Python package that the image is made of and that its containers run by ``python -m``.
    """

    image: str
    package: str


@dataclass(frozen=True)
class Project:
    """A project as its table and its Pulumi.yaml describe it.

    folder: the checkout, with Pulumi.yaml and the stack files.
    name: its name in Pulumi.yaml, by which its folders of tools and of state are called too.
    prefix: begin of the variables that people set, such as PREFIX_STATE, and that its program reads.
    command: words before up, down and tools in the advice of messages.
    application: its program; None where all are in ``images/``.
    policies: folder of its policy pack; None without one.
    policy_config: file with the pack's configuration for ``python -m localcloud``; None where the
        caller of ``Engine.prepare`` passes it.
    """

    folder: Path
    name: str
    prefix: str
    command: str = DEFAULT_COMMAND
    application: Application | None = None
    policies: str | None = None
    policy_config: str | None = None

    def variable(self, name: str) -> str:
        """The full name of one of its environment variables."""
        return f"{self.prefix}_{name}"

    @classmethod
    def read(cls, folder: Path) -> Project:
        """The project in that folder. Raises ProjectError."""
        folder = folder.resolve()
        table = _table(folder)
        if table is None:
            raise ProjectError(f"{folder / FILE} has no [{TABLE}]; fix: add it with prefix = {_KEYS['prefix'].allowed}")
        name = _name(folder)
        if problems := [*_problems(folder, table), *([] if name else [_nameless(folder)])]:
            raise ProjectError("\n".join(problems))
        given = {key: str(value) for key, value in table.items()}
        image, package = given.get("image"), given.get("package")
        return cls(
            folder,
            str(name),
            given["prefix"],
            given.get("command", DEFAULT_COMMAND),
            Application(image, package) if image and package else None,
            given.get("policies"),
            given.get("policy-config"),
        )


def project() -> Project:
    """The project that this process works for. Raises ProjectError."""
    return _read(os.environ.get(FOLDER_VARIABLE) or _nearest(Path.cwd()))


@cache
def _read(folder: str) -> Project:
    return Project.read(Path(folder))


def _nearest(start: Path) -> str:
    for folder in (start, *start.parents):
        if _table(folder) is not None:
            return str(folder)
    raise ProjectError(
        f"neither {start} nor a folder above it has a {FILE} with [{TABLE}]; "
        f"fix: go to the project, or set {FOLDER_VARIABLE} to its folder"
    )


def _table(folder: Path) -> Table | None:
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        found = tomllib.loads(file.read_text()).get("tool", {}).get("localcloud")
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{file} cannot be read as TOML: {error}") from None
    if found is not None and not isinstance(found, dict):
        raise ProjectError(f"{file}: {TABLE} is {found!r}; it must be a table")
    return found


def _name(folder: Path) -> str | None:
    file = folder / PULUMI_FILE
    described = yaml.safe_load(file.read_text()) if file.is_file() else None
    name = described.get("name") if isinstance(described, dict) else None
    return name if isinstance(name, str) and name else None


def _nameless(folder: Path) -> str:
    return f"{folder / PULUMI_FILE}: name is not there; it must be the name of a Pulumi project"


class _Key(NamedTuple):
    """Values that a key may have: in words, as a pattern, and the file that has to be there below the one it names."""

    allowed: str
    pattern: str = ".+"
    file: str | None = None

    def is_right(self, folder: Path, value: object) -> bool:
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value):
            return False
        return self.file is None or (folder / value / self.file).is_file()


_KEYS: Final[Mapping[str, _Key]] = {
    "prefix": _Key(
        "capital letters, digits and underscores, a letter first, such as SHOP", r"[A-Z]([A-Z0-9_]*[A-Z0-9])?"
    ),
    "command": _Key("words that begin a command, such as make", r"\S.*"),
    "image": _Key(
        f"the last part of an image's name, and none of {', '.join(SERVERS)}",
        rf"(?!({'|'.join(SERVERS)})$)[a-z0-9]+([._-]+[a-z0-9]+)*",
    ),
    "package": _Key("a folder of the project with __main__.py", file="__main__.py"),
    "policies": _Key("a folder of the project with PulumiPolicy.yaml", file="PulumiPolicy.yaml"),
    "policy-config": _Key("a file of the project", file=""),
}
_TOGETHER: Final = (("image", "package"), ("package", "image"), ("policy-config", "policies"))
"""Keys that mean nothing without the second one."""


def _problems(folder: Path, table: Table) -> Iterator[str]:
    """Everything that is wrong with the table."""
    where = f"{folder / FILE}: {TABLE}"
    for key, value in table.items():
        if key not in _KEYS:
            yield f"{where}.{key} is {value!r}, and there is no such key; allowed: {', '.join(_KEYS)}"
        elif not _KEYS[key].is_right(folder, value):
            yield f"{where}.{key} is {value!r}; it must be {_KEYS[key].allowed}"
    if "prefix" not in table:
        yield f"{where}.prefix is not there; it must be {_KEYS['prefix'].allowed}"
    for key, other in _TOGETHER:
        if key in table and other not in table:
            yield f"{where}.{other} is not there, and {key} is; it must be {_KEYS[other].allowed}"
