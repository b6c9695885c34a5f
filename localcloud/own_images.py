"""Images of a project beside its application: folders ``images/NAME`` with a Dockerfile and a Python program.

A real cluster pulls such an image from a registry. The embedded cloud builds none: it runs the program in the folder,
as ENTRYPOINT and CMD say, by the Python of the checkout, with the packages that this has. So it goes by the image's
name, whatever its registry, tag or digest.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from localcloud.project import SERVERS, Project

FOLDER: Final = "images"
FILE: Final = "Dockerfile"
INSTRUCTION: Final = re.compile(r"^(ENTRYPOINT|CMD)\s+(.+)$", re.MULTILINE)


class OwnImageError(Exception):
    """A Dockerfile says nothing that can be run here; the message has the file, the value and what is allowed."""


@dataclass(frozen=True)
class OwnImage:
    """An image of that kind.

    folder: folder of its program.
    entry_point: words of ENTRYPOINT.
    command: words of CMD, in the place of arguments that a pod does not declare.
    """

    folder: Path
    entry_point: tuple[str, ...]
    command: tuple[str, ...]


def others(project: Project) -> tuple[str, ...]:
    """Images that can be run without such a folder: the application, if there is one, and servers."""
    return (*([project.application.image] if project.application else []), *SERVERS)


@cache
def own_images(project: Project) -> tuple[str, ...]:
    """Their names, in order, as they were at the first question: a cluster learns them when it starts."""
    found = {file.parent.name for file in (project.folder / FOLDER).glob(f"*/{FILE}")}
    return tuple(sorted(found.difference(others(project))))


@cache
def runnable(project: Project) -> str:
    """Pattern of the images that run as processes; every other one is only simulated."""
    names = map(re.escape, (*others(project), *own_images(project)))
    return rf"(^|/)({'|'.join(names)})(:|@|$)"


def own_image(name: str, project: Project) -> OwnImage:
    """One of them. Raises OwnImageError for a Dockerfile whose program is not Python's, or not in the exec form."""
    file = project.folder / FOLDER / name / FILE
    said = dict(INSTRUCTION.findall(file.read_text()))
    entry_point, command = (_words(file, key, said.get(key, "[]")) for key in ("ENTRYPOINT", "CMD"))
    if not entry_point or entry_point[0] != "python":
        allowed = 'it must begin with python here, such as ENTRYPOINT ["python", "-m", "main"]'
        raise OwnImageError(f"{file}: ENTRYPOINT is {json.dumps(entry_point)}; {allowed}")
    return OwnImage(file.parent, entry_point, command)


def _words(file: Path, key: str, text: str) -> tuple[str, ...]:
    try:
        words = json.loads(text)
    except json.JSONDecodeError:
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise OwnImageError(f'{file}: {key} is {text}; it must be a list of texts on one line, such as ["python"]')
    return tuple(words)
