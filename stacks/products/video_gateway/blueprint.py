"""Video-gateway: short videos from a prompt, rendered on a GPU (document C)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from infra.catalog.units import GIBIBYTE
from stacks.products.blueprint import Blueprint
from stacks.products.jobs import archiving_care, migration
from stacks.products.video_gateway.alerts import alerts
from stacks.products.video_gateway.profiles import CONNECTIONS, PROFILES
from stacks.products.video_gateway.routes import ROUTES
from stacks.products.video_gateway.workloads import FRONTEND, GATEWAY, VIDEOS, WORKLOADS
from stacks.specs.limits import ScaleLimits
from stacks.specs.store import DatabaseNames, Role
from stacks.specs.trial import Trial

BLUEPRINT: Final = Blueprint(
    name="video-gateway",
    short="video",
    namespace="video-gateway",
    limits=ScaleLimits(
        instances=MappingProxyType({GATEWAY: 10, FRONTEND: 5}),
        database_connections=CONNECTIONS,
        memory_bytes=4 * GIBIBYTE,
        storage_gb=250,
        monthly_usd=1000,
    ),
    profiles=PROFILES,
    workloads=WORKLOADS,
    migrations=("app/video_gateway/migrations/versions",),
    jobs=(migration(), *archiving_care(VIDEOS)),
    database=DatabaseNames("app", "app_admin", "app_user_", "app_owner_"),
    redis=(Role.CACHE, Role.QUEUE),
    routes=ROUTES,
    trial=Trial(
        path="/api/generate",
        body='{"prompt": "a lighthouse in a storm", "seconds": 2}',
        status=202,
        identifier="id",
        read="/api/videos/ID",
        state="status",
        done="ready",
        failed=frozenset({"failed", "archived"}),
        remove="/api/videos/ID",
    ),
    alerts=alerts,
    buckets=(VIDEOS,),
    features=MappingProxyType({"new-timeline-ui": "ENABLE_NEW_TIMELINE", "ai-video-generation": "ENABLE_AI_VIDEO"}),
)
