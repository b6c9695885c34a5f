"""Tools of a run and their origins: installed, the official release, or built from modules.

The engine on PATH is taken when its version fits; else the official release, when the machine reaches its host; else
the build from Go modules, with stand-ins for the provider plugins that no registry carries.
What was taken is part of every report, because a result obtained with a stand-in must say so.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localcloud.toolchain import build, choice, supply
from localcloud.toolchain.choice import Way, way
from localcloud.toolchain.compiler import Say, prune_build_caches
from localcloud.toolchain.families import CRDS, ENGINE, FAMILIES, FIRST, KEDA, KUBERNETES, LATER, PULUMI_VERSION
from localcloud.toolchain.family import Family

KUBECTL = Path(sys.prefix) / "bin" / "kubectl"
"""kubectl from the wheel that the project is installed with."""


@dataclass(frozen=True)
class Engine:
    """The Pulumi CLI: where it is, and which of the three origins it has."""

    command: Path
    version: str
    origin: str
    official: bool


@dataclass(frozen=True)
class Toolchain:
    """Every tool of the embedded cloud, by path. KEDA's programs are among them once they are built."""

    engine: Engine
    kubernetes_binaries: dict[str, Path]
    kwokctl: Path
    kubectl: Path
    stages: Path
    crds: Path
    usage: Path
    metrics_server_manifests: Path


def ensure(say: Say, families: Sequence[Family] = (*FIRST, *LATER)) -> Toolchain:
    """The tools of these families, all that a stack can use unless fewer are asked for. What is missing is fetched or
    built. Raises ToolchainError.
    """
    engine = _installed_engine()
    missing = [family for family in families if not build.is_built(family) and (family is not ENGINE or engine is None)]
    if missing:
        supply.ensure_all(missing, say)
        # Else what is compiled so far spares the later build its part.
        if all(map(build.is_built, LATER)):
            prune_build_caches()
    return located(engine or _own_engine())


def ensure_all(say: Say) -> None:
    """Every tool of stacks and tests, so that nothing is built later; then what only builds need is removed."""
    supply.ensure_all([family for family in FAMILIES if not build.is_built(family)], say)
    prune_build_caches()


def engine_in_use() -> Engine | None:
    """The engine that the next run takes; None before one was built or fetched. Fetches nothing itself."""
    return _installed_engine() or (_own_engine() if build.is_built(ENGINE) else None)


def located(engine: Engine) -> Toolchain:
    """The paths of tools that are there."""
    families = (KUBERNETES, KEDA) if build.is_built(KEDA) else (KUBERNETES,)
    bins = {
        binary.name: build.result_folder(family) / "bin" / binary.name
        for family in families
        for binary in family.binaries
    }
    kubernetes = build.result_folder(KUBERNETES)
    return Toolchain(
        engine=engine,
        kubernetes_binaries=bins,
        kwokctl=bins["kwokctl"],
        kubectl=KUBECTL,
        stages=kubernetes / "stages",
        crds=build.result_folder(CRDS) / "crds",
        usage=kubernetes / "metrics",
        metrics_server_manifests=kubernetes / "manifests",
    )


def _own_engine() -> Engine:
    folder = build.result_folder(ENGINE)
    origin = choice.read(folder).origin
    return Engine(folder / "bin" / "pulumi", PULUMI_VERSION, origin, official=origin == choice.OFFICIAL)


def _installed_engine() -> Engine | None:
    """The user's own Pulumi, when it is this SDK's minor version or newer within the same major one."""
    found = shutil.which("pulumi")
    if not found or way() is Way.BUILD:
        return None
    version = engine_version(Path(found))
    wanted = tuple(map(int, PULUMI_VERSION.split(".")))
    if version is None or version[0] != wanted[0] or version < wanted:
        return None
    return Engine(Path(found), ".".join(map(str, version)), "installed on this machine", official=True)


def engine_version(command: Path) -> tuple[int, ...] | None:
    done = subprocess.run([str(command), "version"], capture_output=True, text=True, check=False)
    digits = done.stdout.strip().removeprefix("v").split("-")[0].split(".")
    return tuple(map(int, digits)) if done.returncode == 0 and all(digit.isdigit() for digit in digits) else None
