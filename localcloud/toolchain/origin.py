"""Tools of a run and their origins: installed, the official release, or built from modules.

The engine on PATH is taken when its version fits; else the official release by the SDK's own installer, when the
machine reaches it; else the build from Go modules, with stand-ins for the provider plugins that no registry carries.
What was taken is part of every report, because a result obtained with a stand-in must say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from localcloud.paths import cache_root
from localcloud.toolchain import build
from localcloud.toolchain.compiler import Say, prune_build_caches
from localcloud.toolchain.families import CRDS, ENGINE, FAMILIES, FIRST, KEDA, KUBERNETES, LATER, PULUMI_VERSION
from localcloud.toolchain.family import Family

INSTALLER_SECONDS = 600
_INSTALL = """
import semver
from pulumi.automation import PulumiCommand
PulumiCommand.install(root={root!r}, version=semver.VersionInfo.parse({version!r}))
"""
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
    """The tools of these families, building what is missing; all that a stack can use unless fewer are asked for.

    Raises ToolchainError.
    """
    missing = [family for family in families if not build.is_built(family)]
    engine = _installed_engine() or _official_engine(say)
    if engine is not None:
        missing = [family for family in missing if family is not ENGINE]
    if missing:
        minutes = sum(family.minutes for family in missing)
        names = ", ".join(family.name for family in missing)
        say(f"first run on this machine: {len(missing)} tools to build ({names}), about {minutes:.0f} min on two cores")
        _build_all(missing, say)
    return located(engine or _built_engine())


def ensure_all(say: Say) -> None:
    """Every tool of stacks and tests, so that nothing is built later; then what only builds need is removed."""
    _build_all([family for family in FAMILIES if not build.is_built(family)], say)
    prune_build_caches()


def _build_all(missing: Sequence[Family], say: Say) -> None:
    """One after the other, each on all cores, while the modules of the others are downloaded."""
    with ThreadPoolExecutor(max_workers=1) as ahead:
        fetching = [ahead.submit(build.fetch_modules, family, say) for family in missing[1:]]
        try:
            for family in missing:
                build.ensure(family, say)
        finally:
            for download in fetching:
                download.cancel()
    # Else what is compiled so far spares the later build its part.
    if all(map(build.is_built, LATER)):
        prune_build_caches()


def engine_in_use() -> Engine | None:
    """The engine that the next run takes; None before one was built or fetched. Fetches nothing itself."""
    official = cache_root() / "pulumi" / PULUMI_VERSION / "bin" / "pulumi"
    if installed := _installed_engine():
        return installed
    if official.exists():
        return Engine(official, PULUMI_VERSION, "official release", official=True)
    return _built_engine() if build.is_built(ENGINE) else None


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


def _built_engine() -> Engine:
    return Engine(
        build.result_folder(ENGINE) / "bin" / "pulumi", PULUMI_VERSION, "built from Go modules", official=False
    )


def _installed_engine() -> Engine | None:
    """The user's own Pulumi, when it is this SDK's minor version or newer within the same major one."""
    found = shutil.which("pulumi")
    if not found or os.environ.get("CONTENTGEN_ENGINE") == "built":
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


def _official_engine(say: Say) -> Engine | None:
    """The official release by the SDK's installer. A refusal is remembered with the built engine, not asked again."""
    root = cache_root() / "pulumi" / PULUMI_VERSION
    command = root / "bin" / "pulumi"
    if not command.exists():
        if os.environ.get("CONTENTGEN_ENGINE") == "built" or build.is_built(ENGINE):
            return None
        say("asking for the official Pulumi release")
        script = _INSTALL.format(root=str(root), version=PULUMI_VERSION)
        try:
            done = subprocess.run(
                [sys.executable, "-c", script], capture_output=True, text=True, timeout=INSTALLER_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            say("the official release did not arrive in time")
            return None
        if done.returncode != 0 or not command.exists():
            say("the official release cannot be fetched from here: building the engine from its modules")
            return None
    return Engine(command, PULUMI_VERSION, "official release", official=True)
