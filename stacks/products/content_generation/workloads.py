"""Workloads of content-generation (requirement Z01)."""

from __future__ import annotations

from typing import Final

from stacks.specs.placement import Spot
from stacks.specs.scale_triggers import QUEUE_IDLE, QUEUE_TARGET
from stacks.specs.workload import FRONTEND_PORT, Pool, QueueScaling, WorkloadSpec

API: Final = "cpm"
FRONTEND: Final = "frontend"
"""The two that clients reach: the API, and the page with its files (requirements A03, K01)."""

WORKER_DIRECT: Final = 4
"""Connections of a worker process that go round the pooler: it listens for new jobs on them."""

FOLLOWING: Final = QueueScaling(
    more_above=round(QUEUE_TARGET.threshold),
    fewer_below=round(QUEUE_IDLE.threshold),
    idle_seconds=QUEUE_IDLE.seconds,
)

WORKLOADS: Final = (
    WorkloadSpec(
        name=API,
        arguments=("serve", "--role", "cpm"),
        pool=Pool(5, 5),
        memory_request="256Mi",
        cpu_request="250m",
        public=True,
        reaches_outside=True,
        holds_application_keys=True,
    ),
    WorkloadSpec(
        name="im",
        arguments=("serve", "--role", "im"),
        pool=Pool(2, 2),
        memory_request="256Mi",
        cpu_request="250m",
        reaches_outside=True,
        uses_llm_keys=True,
    ),
    WorkloadSpec(
        name="worker",
        arguments=("worker",),
        pool=Pool(3, 3),
        memory_request="256Mi",
        cpu_request="250m",
        peers=("im",),
        direct=WORKER_DIRECT,
        queue=FOLLOWING,
        spot=Spot.PREFERRED,
    ),
    WorkloadSpec(
        name=FRONTEND,
        arguments=("serve", "--role", "frontend"),
        pool=None,
        memory_request="128Mi",
        cpu_request="100m",
        public=True,
        port=FRONTEND_PORT,
    ),
)
"""cpm takes requests and owns jobs, workers do them, im turns a prompt into text, the front end shows the page."""
