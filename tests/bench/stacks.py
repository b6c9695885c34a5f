"""Whole stacks: from nothing to an answer, and phase by phase against a flat program of the same resources."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from infra.catalog.regions import in_priority_order
from infra.providers import SERVICES
from localcloud.cloud import Cloud
from localcloud.protection import release
from localcloud.toolchain.origin import ensure
from ops.checkout import CHECKOUT
from ops.stack_files import read
from tests.bench.document import Section, machine
from tests.bench.phases import STACK, Program, begin, flat_program, listed, median, once, seconds, timed, write_flat

PHASES = ("first up", "no-op preview", "no-op up", "refresh", "destroy")
WITH_PACK = "no-op preview with the policy pack"
LOCAL = ("local", "workflow-dashboard-local", "blog-ai-local", "recipe-app-local", "video-gateway-local")
CONTENTGEN = Path(sys.prefix) / "bin" / "contentgen"


def from_nothing(root: Path) -> Section:
    """Local and production by the commands people use."""
    rows = tuple(_whole(root, stack) for stack in ("local", "prod"))
    head = ("stack", "make up", "again", "make down", "memory of one region's control plane", "memory of all pods")
    text = f"Nothing running before, tools built; on {machine()}. Commands: `make up STACK=...`, twice, `make down`."
    return Section("From nothing running to an answer", text, head, rows)


def each_product(root: Path) -> Section:
    """The local stack of each product by itself."""
    rows = tuple(_whole(root, stack) for stack in LOCAL)
    head = ("stack", "make up", "again", "make down", "memory of the control plane", "memory of the pods")
    text = (
        f"Each alone, nothing running before, tools built; on {machine()}. Goal of the first up: 60 s. Commands: "
        "`make up STACK=...`, twice, `make down`; `make bench ONLY=locals`."
    )
    return Section("First up of each product's local stack", text, head, rows)


def against_flat(root: Path) -> Section:
    """Production by our program and by the flat one, each on a cloud of its own."""
    flat_list = root / "flat.json"
    ours = _phases(root, Program(), flat_list)
    flat = _phases(root, flat_program(flat_list, SERVICES), None)
    rows = tuple(
        (phase, seconds(ours[phase]), seconds(flat[phase]), f"{ours[phase] / flat[phase]:.2f}") for phase in PHASES
    )
    count = listed(flat_list)
    text = (
        f"{count} resources by the providers' own classes, without components; same engine, plugins, waits, "
        "dependencies and annotations; no policy pack on either side; phases that change nothing are medians of "
        f"three. On {machine()}. "
        "Command: `python -m tests.bench flat`.\n\n"
        f"With the policy pack our no-op preview takes {seconds(ours[WITH_PACK])}: the pack adds "
        f"{100 * (ours[WITH_PACK] / ours['no-op preview'] - 1):.0f} % (goal 10 %)."
    )
    return Section("Production against a flat program", text, ("phase", "ours", "flat", "ratio"), rows)


def stop(root: Path) -> None:
    """Everything that was started below the folder."""
    if (root / "state").exists():
        subprocess.run([CONTENTGEN, "down"], check=False, env=_environment(root), stdout=subprocess.DEVNULL)


def _environment(root: Path) -> dict[str, str]:
    return {**os.environ, "CONTENTGEN_STATE": str(root / "state")}


def _whole(root: Path, stack: str) -> tuple[str, ...]:
    def run(*arguments: str) -> None:
        command = [CONTENTGEN, *arguments, "--stack", stack]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=_environment(root))

    os.environ["CONTENTGEN_STATE"] = str(root / "state")
    first = timed(lambda: run("up"))
    cloud = Cloud(stack, ensure(print))
    described = cloud.description()
    assert described is not None
    memory, planes = [], set[int]()
    for region in described.regions:
        ids = cloud.cluster(region.name, region.network).processes().values()
        planes |= set(ids)
        memory.append(megabytes(psutil.Process(pid) for pid in ids))
    pods = megabytes(processes_of_pods(cloud.folder, planes))
    again, down = timed(lambda: run("up")), timed(lambda: run("down"))
    name = f"{stack}, {len(memory)} region" + ("s" if len(memory) > 1 else "")
    return (name, *(f"{taken:.0f} s" for taken in (first, again, down)), f"{max(memory):.0f} MB", f"{pods:.0f} MB")


def processes_of_pods(folder: Path, planes: Collection[int]) -> Iterator[psutil.Process]:
    """Processes of a cloud's pods: each has a variable that begins with its folder, and is not of a control plane."""
    for process in psutil.process_iter():
        if process.pid in planes:
            continue
        with suppress(psutil.Error):
            if any(value.startswith(f"{folder}/") for value in process.environ().values()):
                yield process


def megabytes(processes: Iterable[psutil.Process]) -> float:
    """Resident memory of processes together."""
    found = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            found += process.memory_info().rss
    return found / 2**20


def _phases(root: Path, program: Program, flat_list: Path | None) -> dict[str, float]:
    """Seconds of each phase; with ``flat_list`` those with the policy pack too, and the flat list is left there."""
    regions = [region.code for region in in_priority_order(read(CHECKOUT, STACK).regions)]
    cloud, subject = begin(root, regions, program)
    found = {
        "first up": once(subject, "up", "--yes", "--skip-preview"),
        "no-op preview": median(subject, "preview"),
    }
    if flat_list:
        found[WITH_PACK] = median(subject, "preview", *subject.policy_arguments())
    found |= {
        "no-op up": median(subject, "up", "--yes", "--skip-preview"),
        "refresh": median(subject, "refresh", "--yes", "--skip-preview"),
    }
    if flat_list:
        write_flat(subject, flat_list)
        subject.quietly("state", "unprotect", "--all", "--yes", "--stack", STACK)
    described = cloud.description()
    assert described is not None
    release(described)
    found["destroy"] = once(subject, "destroy", "--yes", "--skip-preview")
    cloud.down(print)
    return found
