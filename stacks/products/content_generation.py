"""The content-generation product (requirement Z01): which workloads it is made of and which paths are public."""

from __future__ import annotations

from typing import Final

from components.edge import RouteGroup
from components.traffic_limits import Rate
from infra.paths import UNLIMITED_PATHS
from stacks.profile import Profile, Size
from stacks.workload import Pool, QueueScaling, WorkloadSpec

PUBLIC_SERVICE: Final = "cpm"
FRONTEND: Final = "frontend"

API_KEYS_REQUIRED: Final = False
"""Clients are known by their address (document A); a key raises a client's limits but is not asked for."""

WORKER_DIRECT: Final = 4
"""Connections of a worker process that go round the pooler: it listens for new jobs on them."""

ROUTES: Final = (
    RouteGroup("generate", ("/generate",), timeout="60s", rate=Rate(per_second=1, burst=5)),
    RouteGroup("live", ("/ws/",), timeout="86400s", rate=Rate(per_second=10, burst=20)),
    RouteGroup("api", ("/status/", "/jobs", "/jobs/", "/api/"), timeout="300s", rate=Rate(per_second=10, burst=20)),
    RouteGroup("health", UNLIMITED_PATHS, timeout="10s", rate=None),
    RouteGroup("page", ("/", "/static/"), timeout="300s", rate=Rate(per_second=30, burst=50)),
)
"""What the edge lets through; metrics and internal paths are not among it. A path ending in / means all below it."""


def content_generation(profile: Profile) -> tuple[WorkloadSpec, ...]:
    """cpm takes requests and owns jobs, workers do the jobs, im turns a prompt into text."""
    size = profile.services
    return (
        WorkloadSpec(
            "cpm",
            ("serve", "--role", "cpm"),
            size["cpm"],
            _pool(size["cpm"], 5, 5),
            "256Mi",
            "250m",
            public=True,
            reaches_outside=True,
        ),
        WorkloadSpec(
            "im",
            ("serve", "--role", "im"),
            size["im"],
            _pool(size["im"], 2, 2),
            "256Mi",
            "250m",
            reaches_outside=True,
            writes=True,
        ),
        WorkloadSpec(
            "worker",
            ("worker",),
            size["worker"],
            _pool(size["worker"], 3, 3),
            "256Mi",
            "250m",
            peers=("im",),
            direct=WORKER_DIRECT,
            queue=QueueScaling(more_above=100, fewer_below=10, idle_seconds=300),
            interruptible=True,
        ),
    )


def _pool(size: Size, kept: int, overflow: int) -> Pool:
    """The workload's own pool, unless the stack file gives another."""
    return Pool(
        kept if size.pool is None else size.pool,
        overflow if size.overflow is None else size.overflow,
    )
