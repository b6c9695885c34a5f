"""Blog-ai: posts by language models, their page and their API in one image, with paid tiers (document E)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from infra.catalog.units import GIBIBYTE
from stacks.products.blog_ai.alerts import alerts
from stacks.products.blog_ai.profiles import PROFILES
from stacks.products.blog_ai.routes import ROUTES
from stacks.products.blog_ai.workloads import APPLICATION, VARIABLES, WORKLOADS
from stacks.products.blueprint import Blueprint
from stacks.products.jobs import CARE, migration
from stacks.specs.limits import ScaleLimits
from stacks.specs.store import DatabaseNames, Role
from stacks.specs.trial import Trial

BLUEPRINT: Final = Blueprint(
    name="blog-ai",
    short="blog",
    namespace="blog-ai",
    limits=ScaleLimits(
        instances=MappingProxyType({APPLICATION: 10}),
        database_connections=200,
        memory_bytes=2 * GIBIBYTE,
        storage_gb=100,
        monthly_usd=600,
    ),
    profiles=PROFILES,
    workloads=WORKLOADS,
    migrations=("app/migrations/versions", "app/blog_ai/migrations/versions"),
    jobs=(
        migration(),
        *CARE,
    ),
    database=DatabaseNames("blog_ai", "blog_admin", "blog_user_", "blog_owner_"),
    redis=(Role.CACHE, Role.QUEUE),
    routes=ROUTES,
    trial=Trial(
        path="/generate",
        body='{"topic": "rooftop gardens", "content_type": "blog", "client_id": "CLIENT"}',
        status=202,
        identifier="job_id",
        read="/status/ID",
        state="status",
        done="completed",
        failed=frozenset({"failed", "cancelled", "expired"}),
    ),
    alerts=alerts,
    variables=VARIABLES,
)
