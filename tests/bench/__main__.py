"""``make bench``: measures on this machine and writes docs/benchmarks.md. Ratios are of one run, against a flat program
that declares the same resources; nothing here passes or fails.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.settings import StackSettings
from infra.stackfile import read
from localcloud.cloud import Cloud
from localcloud.engine import Engine
from localcloud.paths import CHECKOUT
from localcloud.toolchain.origin import Toolchain, ensure
from tests.bench.flat import flatten, write

PROGRAM = Path(__file__).resolve().parent / "program"
RESULT = CHECKOUT / "docs" / "benchmarks.md"
PHASES = ("first up", "no-op preview", "no-op up", "refresh", "destroy")


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    what: str
    figures: tuple[str, ...]
    command: str


def main() -> None:
    root = Path(tempfile.mkdtemp(prefix="contentgen-bench-", dir="/var/tmp"))
    root.chmod(0o755)
    os.environ["CONTENTGEN_STATE"] = str(root / "state")
    toolchain = ensure(print)
    try:
        whole = [_whole(stack) for stack in ("local", "prod")]
        pairs = _against_flat(toolchain, root)
        small = [_program_under_mocks(), _fast_tiers()]
    finally:
        subprocess.run([_contentgen(), "down"], check=False)
        shutil.rmtree(root)
    RESULT.write_text(_document(whole, pairs, small))
    print(RESULT.read_text())


def _contentgen() -> str:
    return str(Path(sys.prefix) / "bin" / "contentgen")


def _timed(action: Callable[[], object]) -> float:
    start = time.monotonic()
    action()
    return time.monotonic() - start


def _run(*arguments: str) -> None:
    subprocess.run([_contentgen(), *arguments], check=True, stdout=subprocess.DEVNULL)


def _whole(stack: str) -> Row:
    """Warm ``make up`` from nothing running to an answer, and the memory of the control planes."""
    seconds = _timed(lambda: _run("up", "--stack", stack))
    cloud = Cloud(stack, ensure(print))
    described = cloud.description()
    assert described is not None
    memory = {}
    for region in described.regions:
        ids = cloud.cluster(region.name, region.network).processes().values()
        memory[region.name] = sum(psutil.Process(pid).memory_info().rss for pid in ids) / 2**20
    again = _timed(lambda: _run("up", "--stack", stack))
    down = _timed(lambda: _run("down", "--stack", stack))
    most = f"{max(memory.values()):.0f} MB"
    return Row(
        f"{stack}, {len(memory)} region(s)",
        (f"{seconds:.0f} s", f"{again:.0f} s", f"{down:.0f} s", most),
        f"make up STACK={stack}",
    )


def _against_flat(toolchain: Toolchain, root: Path) -> list[Row]:
    """Production by our program and by the flat one, each on a cloud of its own, phase by phase."""
    settings = read(CHECKOUT, "prod")
    ours_cloud, ours = _prepared("prod", settings, toolchain, {})
    ours_times = {"first up": _engine(ours, "up", "--yes", "--skip-preview")}
    ours_times |= _repeats(ours)
    exported = json.loads(ours.quietly("stack", "export", "--show-secrets", "--stack", "prod"))
    resources = root / "flat.json"
    resources.touch(mode=0o600)
    flat_list = flatten(exported)
    write(flat_list, resources)
    _release(ours_cloud)
    ours.quietly("state", "unprotect", "--all", "--yes", "--stack", "prod")
    ours_times["destroy"] = _engine(ours, "destroy", "--yes", "--skip-preview")
    ours_cloud.down(print)

    os.environ["FLAT_RESOURCES"] = str(resources)
    flat_cloud, flat = _prepared("prod", settings, toolchain, {"main": str(PROGRAM)})
    flat_times = {"first up": _engine(flat, "up", "--yes", "--skip-preview")}
    flat_times |= _repeats(flat)
    _release(flat_cloud)
    flat_times["destroy"] = _engine(flat, "destroy", "--yes", "--skip-preview")
    flat_cloud.down(print)
    return [
        Row(
            phase,
            (
                f"{ours_times[phase]:.1f} s",
                f"{flat_times[phase]:.1f} s",
                f"{ours_times[phase] / flat_times[phase]:.2f}",
            ),
            "",
        )
        for phase in PHASES
    ] + [Row("resources, without components", (str(len(flat_list)), str(len(flat_list)), "1.00"), "")]


def _prepared(
    stack: str, settings: StackSettings, toolchain: Toolchain, project: dict[str, str]
) -> tuple[Cloud, Engine]:
    cloud = Cloud(stack, toolchain)
    cloud.up(settings.regions, print)
    engine = _FlatEngine(stack, cloud.folder, cloud.file, toolchain)
    engine.prepare({}, print)
    if project:
        file = engine.workspace / "Pulumi.yaml"
        lines = [line for line in file.read_text().splitlines() if not line.startswith("main:")]
        file.write_text("\n".join([*lines, f"main: {project['main']}", ""]))
    return cloud, engine


class _FlatEngine(Engine):
    """The engine with the one variable that the flat program reads."""

    def environment(self) -> dict[str, str]:
        extra = {"FLAT_RESOURCES": os.environ["FLAT_RESOURCES"]} if "FLAT_RESOURCES" in os.environ else {}
        return {**super().environment(), **extra}


def _release(cloud: Cloud) -> None:
    from localcloud.protection import release

    described = cloud.description()
    assert described is not None
    release(described)


def _engine(engine: Engine, *arguments: str) -> float:
    return _timed(lambda: engine.quietly(*arguments, "--stack", engine.stack))


def _repeats(engine: Engine) -> dict[str, float]:
    """The phases that change nothing, three times each; the median counts."""

    def median(*arguments: str) -> float:
        return sorted(_engine(engine, *arguments) for _ in range(3))[1]

    return {
        "no-op preview": median("preview"),
        "no-op up": median("up", "--yes", "--skip-preview"),
        "refresh": median("refresh", "--yes", "--skip-preview"),
    }


def _program_under_mocks() -> Row:
    command = [sys.executable, "-m", "tests.bench.mocked", "prod"]
    seconds = sorted(_timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)) for _ in range(3))[
        1
    ]
    return Row(
        "the program for prod under mocks, imports included", (f"{seconds:.1f} s",), "python -m tests.bench.mocked prod"
    )


def _fast_tiers() -> Row:
    command = [sys.executable, "-m", "pytest", "-q", "tests/unit", "tests/policies"]
    seconds = _timed(lambda: subprocess.run(command, check=False, stdout=subprocess.DEVNULL, cwd=CHECKOUT))
    return Row("unit and policy tiers", (f"{seconds:.1f} s",), "make test-fast")


def _document(whole: list[Row], pairs: list[Row], small: list[Row]) -> str:
    cores, memory = psutil.cpu_count(), psutil.virtual_memory().total / 2**30
    lines = [
        "# Benchmarks",
        "",
        f"Made by `make bench` on {cores} cores and {memory:.0f} GiB, Python {platform.python_version()}; tools built.",
        "",
        "## From nothing running to an answer",
        "",
        "| stack | make up | again | make down | memory of one region's control plane | command |",
        "|---|---|---|---|---|---|",
        *(f"| {row.what} | {' | '.join(row.figures)} | `{row.command}` |" for row in whole),
        "",
        "## Production against a flat program of the same resources",
        "",
        "Same engine, plugins, waits and annotations, each on a fresh cloud, no policy pack on either side; the phases",
        "that change nothing are medians of three. Command: `make bench`.",
        "",
        "| phase | ours | flat | ratio |",
        "|---|---|---|---|",
        *(f"| {row.what} | {' | '.join(row.figures)} |" for row in pairs),
        "",
        "## Small things",
        "",
        "| what | time | command |",
        "|---|---|---|",
        *(f"| {row.what} | {row.figures[0]} | `{row.command}` |" for row in small),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
