"""An engine for tests of releases: it answers with a stack's outputs and state, and writes down how it was called."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ops.target import Target, real

PROGRAM = """#!{python}
import json, os, pathlib, sys
folder = pathlib.Path({folder!r})
own = {{name: value for name, value in os.environ.items() if name.startswith("CONTENTGEN_")}}
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps([sys.argv[1:], own, os.getcwd()]) + "\\n")
if sys.argv[1:2] == ["stack"]:
    print((folder / sys.argv[2]).read_text())
elif sys.argv[1:2] == ["preview"]:
    left = sorted(folder.glob("preview-*"))
    print(left[0].read_text())
    left[0].unlink()
elif sys.argv[1:2] == ["up"]:
    events = pathlib.Path(sys.argv[sys.argv.index("--event-log") + 1])
    events.write_text((folder / "events").read_text())
    print("connected to postgres://owner:hunter2secret@db")
    sys.exit(int((folder / "exit-code").read_text()))
"""


@dataclass(frozen=True)
class PretendedEngine:
    """Its answers are files in a folder: what a test does not write is empty."""

    folder: Path

    def target(self) -> Target:
        program = self.folder / "pulumi"
        program.write_text(PROGRAM.format(python=sys.executable, folder=str(self.folder)))
        program.chmod(0o755)
        for name, text in {"output": "{}", "export": '{"deployment": {}}', "events": "", "exit-code": "0"}.items():
            if not (self.folder / name).exists():
                (self.folder / name).write_text(text)
        found = real("prod", {"PATH": str(self.folder)}, self.folder)
        return replace(found, environment={"PATH": os.environ["PATH"]})

    def outputs(self, **values: object) -> None:
        (self.folder / "output").write_text(json.dumps(values))

    def resources(self, *resources: Mapping[str, object]) -> None:
        (self.folder / "export").write_text(json.dumps({"deployment": {"resources": resources}}))

    def preview(self, number: int, lines: Sequence[str]) -> None:
        """The events of the engine's preview of that number, counted from 1."""
        (self.folder / f"preview-{number}").write_text("\n".join(lines))

    def update_ends(self, exit_code: int, *operations: str) -> None:
        """Script the end of updates, after steps of these operations."""
        events = [{"resourcePreEvent": {"metadata": {"op": one, "urn": "u"}}} for one in operations]
        (self.folder / "events").write_text("\n".join(map(json.dumps, events)))
        (self.folder / "exit-code").write_text(str(exit_code))

    def calls(self, command: str) -> list[tuple[list[str], dict[str, str], str]]:
        """Arguments, variables of ours, and folder of each call of a command."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(a, v, f) for a, v, f in map(json.loads, lines) if a[0] == command]
