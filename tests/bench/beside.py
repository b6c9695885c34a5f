"""Two products on one embedded cluster: one control plane, one AWS and one runner, and an engine for each stack."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import httpx
import psutil

from infra.settings.stack import StackSettings
from localcloud.cloud import Cloud
from localcloud.cloudfile import CloudFile
from localcloud.engine import Engine
from localcloud.images import by_digest
from localcloud.toolchain.origin import ensure
from ops.checkout import CHECKOUT
from ops.deployment import IMAGE_SETTING, await_answers
from ops.policy_pack import stack_policy_config
from ops.stack_files import read
from tests.bench.document import Section, machine
from tests.bench.phases import timed
from tests.bench.stacks import megabytes, processes_of_pods

STACKS: Final = ("recipe-app-local", "blog-ai-local")
SHARED: Final = "shared"
ANY_NAME: Final = "*"
"""Begin of the names that the deploying identity may make: here it deploys for more than one stack."""


def section(root: Path) -> Section:
    """The second comes up while the first one serves, and both answer by their own names."""
    os.environ["CONTENTGEN_STATE"] = str(root / "state")
    cloud = Cloud(SHARED, ensure(print), ANY_NAME)
    described: list[CloudFile] = []
    started = timed(lambda: described.append(cloud.up(["us-east-1"], print)))
    rows = [("the cloud alone", f"{started:.0f} s", *_memory(cloud), "")]
    served: list[str] = []
    for stack in STACKS:
        settings = read(CHECKOUT, stack)
        taken = timed(lambda stack=stack, settings=settings: _deploy(cloud, stack, settings))
        served.append(settings.domain)
        answers = ", ".join(f"{domain} {_status(described[0], domain)}" for domain in served)
        rows.append((f"and {stack}", f"{taken:.0f} s", *_memory(cloud), answers))
    cloud.down(print)
    text = (
        "One region's control plane, AWS endpoint and runner for two stacks, each with a namespace, an engine and a "
        f"state of its own; the first serves while the second comes up. On {machine()}, tools built. "
        "Command: `make bench ONLY=beside`."
    )
    head = ("step", "time", "memory of the control plane", "memory of all pods", "GET / by name")
    return Section("Two products side by side on one embedded cluster", text, head, tuple(rows))


def _deploy(cloud: Cloud, stack: str, settings: StackSettings) -> None:
    folder = cloud.folder / "stacks" / stack
    engine = Engine(stack, folder, cloud.file, cloud.toolchain)
    image = by_digest(settings.image, cloud.registry.push(CHECKOUT))
    engine.prepare(stack_policy_config(CHECKOUT, stack, settings), {IMAGE_SETTING: image}, print)
    engine.run("up", "--yes", "--skip-preview", *engine.policy_arguments(), require=cloud.require_running)
    await_answers(engine)


def _status(described: CloudFile, domain: str) -> int:
    return httpx.get(described.regions[0].url, headers={"host": domain}, timeout=10).status_code


def _memory(cloud: Cloud) -> tuple[str, str]:
    described = cloud.description()
    assert described is not None
    region = described.regions[0]
    ids = cloud.cluster(region.name, region.network).processes().values()
    planes = megabytes(psutil.Process(pid) for pid in ids)
    return f"{planes:.0f} MB", f"{megabytes(processes_of_pods(cloud.folder, set(ids))):.0f} MB"
