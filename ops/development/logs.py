"""Logs of all pods of an embedded cloud in one stream, as the runner writes them: a file a container."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.text import Text

COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green", "bright_magenta")
PATTERN = "regions/*/logs/*/*.log"
"""Below the folder of an embedded cloud: region, Kubernetes namespace, and pod and container."""
MOST_BYTES = 2**20
"""Of one file at one look, so that a pod that writes without end does not hide the others."""


@dataclass(frozen=True)
class Line:
    """One line of a container."""

    region: str
    pod: str
    text: str


@dataclass
class Follower:
    """Lines written since the last look. ``folder`` is that of the embedded cloud."""

    folder: Path
    _at: dict[Path, int] = field(default_factory=dict)
    _rest: dict[Path, bytes] = field(default_factory=dict)

    def skip(self) -> None:
        """Passes over all that is there already."""
        self._at = {path: path.stat().st_size for path in self.folder.glob(PATTERN)}

    def lines(self) -> Iterator[Line]:
        """Whole lines; the beginning of one waits for its end. A file that was made anew is read from its start."""
        for path in sorted(self.folder.glob(PATTERN)):
            try:
                content = self._new(path)
            except FileNotFoundError:
                continue
            *whole, rest = (self._rest.get(path, b"") + content).split(b"\n")
            self._rest[path] = rest
            region, pod = path.parts[-4], path.name.removesuffix(".log").rpartition(".")[0]
            for line in whole:
                yield Line(region, pod, line.decode(errors="replace"))

    def _new(self, path: Path) -> bytes:
        at = self._at.get(path, 0)
        if path.stat().st_size < at:
            at = 0
            self._rest.pop(path, None)
        with path.open("rb") as file:
            file.seek(at)
            content = file.read(MOST_BYTES)
        self._at[path] = at + len(content)
        return content


@dataclass
class Painter:
    """Lines as they are shown: the pod's name in a colour that it keeps, after its region where there are several."""

    regions: int
    _colours: dict[str, str] = field(default_factory=dict)

    def painted(self, line: Line) -> Text:
        name = f"{line.region} {line.pod}" if self.regions > 1 else line.pod
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        return Text.assemble((f"{name} ", colour), line.text)
