"""The content-generation product (requirement Z01): which workloads it is made of and which paths are public."""

from __future__ import annotations

from typing import Final

from components.edge import RouteGroup
from components.traffic_limits import Rate
from infra.paths import UNLIMITED_PATHS
from stacks.profile import Profile, Size
from stacks.triggers import QUEUE_IDLE, QUEUE_TARGET
from stacks.workload import FRONTEND_PORT, Pool, QueueScaling, WorkloadSpec

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

CALLS: Final = (
    RouteGroup("generate", ("/generate",), timeout="60s", rate=Rate(per_second=1, burst=5)),
    RouteGroup("live", ("/ws/",), timeout="86400s", rate=Rate(per_second=10, burst=20)),
    RouteGroup(
        "api",
        ("/status/", "/jobs", "/jobs/", "/cancel/", "/sessions", "/export", "/erase", "/api/"),
        timeout="300s",
        rate=Rate(per_second=10, burst=20),
    ),
)
"""Routes for clients, under the API's own name and, for the page's sake, under the page's too. A path ending in / means
all below it. Metrics and internal paths are nowhere.
"""

PAGE: Final = (RouteGroup("page", ("/", "/static/"), timeout="300s", rate=Rate(per_second=30, burst=50)),)

MONITORING: Final = (RouteGroup("health", UNLIMITED_PATHS, timeout="10s", rate=None),)

WEBHOOKS: Final = (RouteGroup("webhooks", ("/webhooks/",), timeout="60s", rate=Rate(per_second=10, burst=20)),)

ADMINISTRATION: Final = (RouteGroup("admin", ("/admin/",), timeout="60s", rate=Rate(per_second=10, burst=20)),)
"""Route of the administration, declared only with ``contentgen:admin`` networks."""

OTHER_REGIONS: Final = (
    RouteGroup(
        "others",
        ("/status/", "/cancel/", "/jobs/", "/export", "/internal/"),
        timeout="60s",
        rate=Rate(per_second=100, burst=200),
    ),
)
"""Routes that a region answers for another one, under its own name: many clients' questions come from one address.
Paths below /internal/ are for regions alone, which the service itself knows by their signature.
"""


def content_generation(profile: Profile) -> tuple[WorkloadSpec, ...]:
    """cpm takes requests and owns jobs, workers do them, im turns a prompt into text, the front end shows the page."""
    size = profile.services
    return (
        WorkloadSpec(
            API,
            ("serve", "--role", "cpm"),
            size[API],
            _pool(size[API], 5, 5),
            "256Mi",
            "250m",
            public=True,
            reaches_outside=True,
            admits=True,
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
            queue=FOLLOWING,
            interruptible=True,
        ),
        WorkloadSpec(
            FRONTEND,
            ("serve", "--role", "frontend"),
            size[FRONTEND],
            None,
            "128Mi",
            "100m",
            public=True,
            port=FRONTEND_PORT,
        ),
    )


def _pool(size: Size, kept: int, overflow: int) -> Pool:
    """The workload's own pool, unless the stack file gives another."""
    return Pool(
        kept if size.pool is None else size.pool,
        overflow if size.overflow is None else size.overflow,
    )
