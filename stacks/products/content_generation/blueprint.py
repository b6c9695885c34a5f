"""Content-generation: texts by language models, asked for by a page or an API and written by workers (document A)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from infra.catalog.units import GIBIBYTE
from stacks.monitoring.content_alerts import alerts
from stacks.products.blueprint import Blueprint
from stacks.products.content_generation.profiles import PROFILES
from stacks.products.content_generation.routes import ROUTES
from stacks.products.content_generation.workloads import WORKLOADS
from stacks.products.jobs import CARE, migration
from stacks.specs.job import JobSpec, Urgency
from stacks.specs.limits import ScaleLimits
from stacks.specs.store import DatabaseNames, Role
from stacks.specs.trial import Trial

JOBS: Final = (
    migration(),
    JobSpec("seed", ("seed",), deadline_seconds=600, urgency=Urgency.LOW, seeds=True),
    *CARE,
)

BLUEPRINT: Final = Blueprint(
    name="content-generation",
    short="content",
    namespace="contentgen",
    limits=ScaleLimits(
        instances=MappingProxyType({"cpm": 10, "im": 5, "worker": 5, "frontend": 5}),
        database_connections=200,
        memory_bytes=2 * GIBIBYTE,
        storage_gb=100,
        monthly_usd=1500,
    ),
    profiles=PROFILES,
    workloads=WORKLOADS,
    migrations=("app/migrations/versions",),
    jobs=JOBS,
    database=DatabaseNames("contentgen", "contentgen", "contentgen_", "contentgen_owner_"),
    redis=(Role.CACHE, Role.QUEUE),
    routes=ROUTES,
    trial=Trial(
        path="/generate",
        body='{"topic": "rooftop gardens", "content_type": "social", "client_id": "CLIENT"}',
        status=202,
        identifier="job_id",
        read="/status/ID",
        state="status",
        done="completed",
        failed=frozenset({"failed", "cancelled", "expired"}),
    ),
    alerts=alerts,
    production_regions=2,
)
