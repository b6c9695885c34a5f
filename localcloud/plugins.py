"""Provider plugins for an engine's own home: the official ones where the engine can fetch them, else what we have built
and our stand-ins. Which were taken is written beside them, because a result must say what it was obtained with.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from localcloud.provider.serve import plugin_script
from localcloud.toolchain import build, supply
from localcloud.toolchain.choice import BUILT, OFFICIAL
from localcloud.toolchain.compiler import Say
from localcloud.toolchain.families import ENGINE
from localcloud.toolchain.origin import Toolchain


@dataclass(frozen=True)
class Plugin:
    """A provider by name; its version is that of the installed SDK, or the engine would refuse it."""

    name: str
    package: str
    stand_in: str | None

    @property
    def version(self) -> str:
        return importlib.metadata.version(self.package)

    @property
    def folder_name(self) -> str:
        return f"resource-{self.name}-v{self.version}"


PLUGINS = (
    Plugin("kubernetes", "pulumi-kubernetes", None),
    Plugin("aws", "pulumi-aws", "localcloud.aws.provider"),
    Plugin("random", "pulumi-random", "localcloud.random.provider"),
)


NO_PLUGIN = "its Kubernetes provider is taken from the build"


def install(home: Path, toolchain: Toolchain, say: Say) -> None:
    """Puts every plugin into the home; those that are there already are left."""
    for plugin in PLUGINS:
        folder = home / "plugins" / plugin.folder_name
        program = folder / f"pulumi-resource-{plugin.name}"
        if program.exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        program.unlink(missing_ok=True)
        fetched = supply.plugin(plugin.name, plugin.version, say) if toolchain.engine.official else None
        if fetched is not None:
            program.symlink_to(fetched)
            _note(home, plugin, OFFICIAL)
        elif plugin.stand_in is None:
            program.symlink_to(build.built(ENGINE, say, NO_PLUGIN) / "bin" / program.name)
            _note(home, plugin, BUILT)
        else:
            program.write_text(plugin_script(Path(sys.prefix) / "bin" / "python", plugin.stand_in))
            program.chmod(0o755)
            _note(home, plugin, "stand-in of localcloud")


def origins(home: Path) -> dict[str, str]:
    """Plugin name to where it came from."""
    notes = home / "plugins.json"
    return json.loads(notes.read_text()) if notes.exists() else {}


def _note(home: Path, plugin: Plugin, origin: str) -> None:
    known = {**origins(home), plugin.name: f"{origin}, {plugin.version}"}
    (home / "plugins.json").write_text(json.dumps(known, indent=2))
