"""Workloads of recipe-app (requirement Z04)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from stacks.specs.bucket import BucketAccess, BucketSpec
from stacks.specs.placement import Spot
from stacks.specs.scale_triggers import QUEUE_IDLE, QUEUE_TARGET
from stacks.specs.workload import FRONTEND_PORT, Pool, QueueScaling, WorkloadSpec

BACKEND: Final = "recipe-backend"
FRONTEND: Final = "frontend"
AI_GENERATION: Final = "ai-generation"
VIDEO_PROCESSOR: Final = "video-processor"

VIDEOS: Final = BucketSpec("video", folder="videos", days=7)

WORKER_DIRECT: Final = 4
"""Connections of a worker process that go round the pooler: it listens for jobs on them and stores their results."""

VARIABLES: Final = MappingProxyType({"DATABASE_POOL_SIZE": "DB_CONNECTION_LIMIT"})
"""Document D's name for the platform's."""


def _following(queue: str) -> QueueScaling:
    """Document D's hundred waiting jobs for each further worker, document E's ten to go back."""
    return QueueScaling(round(QUEUE_TARGET.threshold), round(QUEUE_IDLE.threshold), QUEUE_IDLE.seconds, queue)


WORKLOADS: Final = (
    WorkloadSpec(
        name=BACKEND,
        arguments=("serve", "--role", "recipes"),
        pool=Pool(20, 0),
        memory_request="256Mi",
        cpu_request="250m",
        public=True,
        holds_application_keys=True,
        buckets=MappingProxyType({VIDEOS.name: BucketAccess.SERVES}),
    ),
    WorkloadSpec(
        name=FRONTEND,
        arguments=("serve", "--role", "recipes-page"),
        pool=None,
        memory_request="128Mi",
        cpu_request="100m",
        public=True,
        port=FRONTEND_PORT,
    ),
    WorkloadSpec(
        name=AI_GENERATION,
        arguments=("worker", "--queue", "ai_generation"),
        pool=Pool(5, 0),
        memory_request="256Mi",
        cpu_request="250m",
        direct=WORKER_DIRECT,
        queue=_following("ai_generation"),
        reaches_outside=True,
        uses_llm_keys=True,
    ),
    WorkloadSpec(
        name=VIDEO_PROCESSOR,
        arguments=("worker", "--queue", "video_generation"),
        pool=Pool(5, 0),
        memory_request="256Mi",
        cpu_request="250m",
        direct=WORKER_DIRECT,
        queue=_following("video_generation"),
        spot=Spot.REQUIRED,
        buckets=MappingProxyType({VIDEOS.name: BucketAccess.WRITES}),
        variables=MappingProxyType({"WORKER_CONCURRENCY": "2"}),
    ),
)
"""The back end takes recipes in, ai-generation writes them, video-processor makes their videos on nodes that may go at
any time (requirement K12), the front end shows the page.
"""
