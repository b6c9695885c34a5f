"""Whole stacks: from nothing to an answer, and phase by phase against a flat program of the same resources."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from infra.providers import SERVICES
from infra.regions import in_priority_order
from infra.stackfile import read
from localcloud.cloud import Cloud
from localcloud.engine import Engine
from localcloud.paths import CHECKOUT
from localcloud.protection import release
from localcloud.toolchain.origin import ensure
from ops.policy_pack import stack_policy_config
from tests.bench.document import Section, machine
from tests.bench.flat import flatten, write

PROGRAM = Path(__file__).resolve().parent / "program"
STACK = "prod"
PHASES = ("first up", "no-op preview", "no-op up", "refresh", "destroy")
WITH_PACK = "no-op preview with the policy pack"
CONTENTGEN = Path(sys.prefix) / "bin" / "contentgen"


def from_nothing(root: Path) -> Section:
    """Local and production by the commands people use."""
    rows = tuple(_whole(root, stack) for stack in ("local", "prod"))
    head = ("stack", "make up", "again", "make down", "memory of one region's control plane")
    text = f"Nothing running before, tools built; on {machine()}. Commands: `make up STACK=...`, twice, `make down`."
    return Section("From nothing running to an answer", text, head, rows)


def against_flat(root: Path) -> Section:
    """Production by our program and by the flat one, each on a cloud of its own."""
    _use(root)
    ours = _phases(root)
    flat = _phases(root, {"FLAT_RESOURCES": str(root / "flat.json"), "FLAT_SERVICES": ",".join(SERVICES)})
    rows = tuple(
        (phase, _seconds(ours[phase]), _seconds(flat[phase]), f"{ours[phase] / flat[phase]:.2f}") for phase in PHASES
    )
    count = len(json.loads((root / "flat.json").read_text()))
    text = (
        f"{count} resources without components; same engine, plugins, waits, dependencies and annotations; no policy "
        f"pack on either side; phases that change nothing are medians of three. On {machine()}. "
        "Command: `python -m tests.bench flat`.\n\n"
        f"With the policy pack our no-op preview takes {_seconds(ours[WITH_PACK])}: the pack adds "
        f"{100 * (ours[WITH_PACK] / ours['no-op preview'] - 1):.0f} % (goal 10 %)."
    )
    return Section("Production against a flat program", text, ("phase", "ours", "flat", "ratio"), rows)


def stop(root: Path) -> None:
    """Everything that was started below the folder."""
    if (root / "state").exists():
        subprocess.run([CONTENTGEN, "down"], check=False, env=_environment(root), stdout=subprocess.DEVNULL)


def _use(root: Path) -> None:
    os.environ["CONTENTGEN_STATE"] = str(root / "state")


def _environment(root: Path) -> dict[str, str]:
    return {**os.environ, "CONTENTGEN_STATE": str(root / "state")}


def _seconds(value: float) -> str:
    return f"{value:.1f} s"


def _timed(action: Callable[[], object]) -> float:
    start = time.monotonic()
    action()
    return time.monotonic() - start


def _whole(root: Path, stack: str) -> tuple[str, ...]:
    def run(*arguments: str) -> None:
        command = [CONTENTGEN, *arguments, "--stack", stack]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=_environment(root))

    _use(root)
    first = _timed(lambda: run("up"))
    cloud = Cloud(stack, ensure(print))
    described = cloud.description()
    assert described is not None
    memory = []
    for region in described.regions:
        ids = cloud.cluster(region.name, region.network).processes().values()
        memory.append(sum(psutil.Process(pid).memory_info().rss for pid in ids) / 2**20)
    again, down = _timed(lambda: run("up")), _timed(lambda: run("down"))
    name = f"{stack}, {len(memory)} region" + ("s" if len(memory) > 1 else "")
    return (name, *(f"{seconds:.0f} s" for seconds in (first, again, down)), f"{max(memory):.0f} MB")


@dataclass(frozen=True)
class _Benched(Engine):
    """The engine with the variables that the flat program reads."""

    extra: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        return {**super().environment(), **self.extra}


def _phases(root: Path, extra: Mapping[str, str] | None = None) -> dict[str, float]:
    """Seconds of each phase. Without ``extra`` it is our program, which also leaves the flat list behind."""
    settings = read(CHECKOUT, STACK)
    cloud = Cloud(STACK, ensure(print))
    cloud.up([region.code for region in in_priority_order(settings.regions)], print)
    engine = _Benched(STACK, cloud.folder, cloud.file, cloud.toolchain, extra or {})
    engine.prepare(stack_policy_config(CHECKOUT, STACK, settings), print)
    if extra:
        _point_at_flat(engine)
    seconds = {"first up": _run(engine, "up", "--yes", "--skip-preview")}
    seconds |= {
        "no-op preview": _median(engine, "preview"),
        "no-op up": _median(engine, "up", "--yes", "--skip-preview"),
        "refresh": _median(engine, "refresh", "--yes", "--skip-preview"),
    }
    if not extra:
        seconds[WITH_PACK] = _median(engine, "preview", *engine.policy_arguments())
        _write_flat(engine, root / "flat.json")
        engine.quietly("state", "unprotect", "--all", "--yes", "--stack", STACK)
    described = cloud.description()
    assert described is not None
    release(described)
    seconds["destroy"] = _run(engine, "destroy", "--yes", "--skip-preview")
    cloud.down(print)
    return seconds


def _write_flat(engine: Engine, path: Path) -> None:
    """With passwords in clear, so it is ours alone and goes with the folder."""
    path.touch(mode=0o600)
    write(flatten(json.loads(engine.quietly("stack", "export", "--show-secrets", "--stack", STACK))), path)


def _point_at_flat(engine: Engine) -> None:
    file = engine.workspace / "Pulumi.yaml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("main:")]
    file.write_text("\n".join([*lines, f"main: {PROGRAM}", ""]))


def _run(engine: Engine, *arguments: str) -> float:
    taken = _timed(lambda: engine.quietly(*arguments, "--stack", STACK))
    print(f"  {' '.join(arguments)}: {taken:.1f} s", flush=True)
    return taken


def _median(engine: Engine, *arguments: str) -> float:
    return sorted(_run(engine, *arguments) for _ in range(3))[1]
