"""Workloads of video-gateway (requirement Z03)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from stacks.specs.bucket import BucketAccess, BucketSpec
from stacks.specs.scale_behaviour import ScaleBehaviour
from stacks.specs.workload import FRONTEND_PORT, Pool, WorkloadSpec

GATEWAY: Final = "comfyui-gateway"
FRONTEND: Final = "frontend"

VIDEOS: Final = BucketSpec("video", folder="videos", days=7)

GATEWAY_DIRECT: Final = 4
"""Connections of a gateway process that go round the pooler: it listens for jobs on them and stores their results."""

COOLDOWNS: Final = ScaleBehaviour(up_window_seconds=60, up_period_seconds=60, down_window_seconds=300)
"""Document C's scale_up_cooldown and scale_down_cooldown (requirement K08)."""

PRODUCTION: Final = MappingProxyType({"NODE_ENV": "production"})
"""Document C's variable for the page's build."""

WORKLOADS: Final = (
    WorkloadSpec(
        name=GATEWAY,
        arguments=("serve", "--role", "videos"),
        pool=Pool(5, 0),
        memory_request="512Mi",
        cpu_request="500m",
        behaviour=COOLDOWNS,
        single="a second GPU node costs as much again as the whole stack; jobs wait in the queue meanwhile",
        public=True,
        direct=GATEWAY_DIRECT,
        holds_application_keys=True,
        reaches_outside=True,
        renders=True,
        buckets=MappingProxyType({VIDEOS.name: BucketAccess.KEEPS}),
        variables=MappingProxyType({**PRODUCTION, "WORKER_CONCURRENCY": "1"}),
    ),
    WorkloadSpec(
        name=FRONTEND,
        arguments=("serve", "--role", "videos-page"),
        pool=None,
        memory_request="128Mi",
        cpu_request="100m",
        public=True,
        port=FRONTEND_PORT,
        variables=PRODUCTION,
    ),
)
"""The gateway takes requests in and renders them, because its pod has the GPU; the front end shows the page."""
