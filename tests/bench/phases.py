"""One program on an embedded cloud of its own, phase by phase; shared by all sections that compare with a flat one."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.cloud import Cloud
from localcloud.engine import Engine
from localcloud.toolchain.origin import ensure
from ops.checkout import CHECKOUT
from ops.policy_pack import stack_policy_config
from ops.stack_files import read
from tests.bench.flat import flatten, write

STACK = "prod"
FLAT = Path(__file__).resolve().parent / "program"
RUNS = 3


@dataclass(frozen=True)
class Program:
    """Program to deploy: ours, or the one in the folder ``main``, with the variables that it reads."""

    main: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


def flat_program(resources: Path, services: Sequence[str]) -> Program:
    """The list of resources that ``write_flat`` left behind, and the parts of AWS that it is made of."""
    return Program(FLAT, {"FLAT_RESOURCES": str(resources), "FLAT_SERVICES": ",".join(services)})


@dataclass(frozen=True)
class Subject(Engine):
    """The engine with the variables that a program reads."""

    extra: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        return {**super().environment(), **self.extra}


def begin(root: Path, regions: Sequence[str], program: Program) -> tuple[Cloud, Subject]:
    """A new cloud with the regions, and the engine ready to deploy the program onto it."""
    os.environ["CONTENTGEN_STATE"] = str(root / "state")
    cloud = Cloud(STACK, ensure(print))
    cloud.up(regions, print)
    subject = Subject(STACK, cloud.folder, cloud.file, cloud.toolchain, extra=program.variables)
    subject.prepare(stack_policy_config(CHECKOUT, STACK, read(CHECKOUT, STACK)), {}, print)
    if program.main:
        file = subject.workspace / "Pulumi.yaml"
        lines = [line for line in file.read_text().splitlines() if not line.startswith("main:")]
        file.write_text("\n".join([*lines, f"main: {program.main}", ""]))
    return cloud, subject


def timed(action: Callable[[], object]) -> float:
    start = time.monotonic()
    action()
    return time.monotonic() - start


def once(subject: Subject, *arguments: str) -> float:
    """Seconds of one engine command."""
    taken = timed(lambda: subject.quietly(*arguments, "--stack", STACK))
    print(f"  {' '.join(arguments)}: {taken:.1f} s", flush=True)
    return taken


def median(subject: Subject, *arguments: str) -> float:
    """The middle of three, for what changes nothing."""
    return sorted(once(subject, *arguments) for _ in range(RUNS))[RUNS // 2]


def write_flat(subject: Subject, path: Path) -> None:
    """The deployed resources as a flat program's list. With passwords in clear, so it is ours alone and goes with the
    folder.
    """
    path.touch(mode=0o600)
    write(flatten(json.loads(subject.quietly("stack", "export", "--show-secrets", "--stack", STACK))), path)


def listed(path: Path) -> int:
    """Number of resources in a list."""
    return len(json.loads(path.read_text()))


def seconds(value: float) -> str:
    return f"{value:.1f} s"
