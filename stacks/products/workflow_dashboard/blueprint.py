"""Workflow-dashboard: workflows and their tasks, on a page and by an API (document B)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from infra.catalog.units import GIBIBYTE
from stacks.products.blueprint import Blueprint
from stacks.products.jobs import CARE, migration
from stacks.products.workflow_dashboard.alerts import alerts
from stacks.products.workflow_dashboard.profiles import PROFILES
from stacks.products.workflow_dashboard.routes import ROUTES
from stacks.products.workflow_dashboard.workloads import WORKLOADS
from stacks.specs.limits import ScaleLimits
from stacks.specs.store import DatabaseNames, Role
from stacks.specs.trial import Trial

BLUEPRINT: Final = Blueprint(
    name="workflow-dashboard",
    short="workflows",
    namespace="workflow-dashboard",
    limits=ScaleLimits(
        instances=MappingProxyType({"backend": 3, "frontend": 4}),
        database_connections=100,
        memory_bytes=2 * GIBIBYTE,
        storage_gb=100,
        monthly_usd=800,
    ),
    profiles=PROFILES,
    workloads=WORKLOADS,
    migrations=("app/workflow_dashboard/migrations/versions",),
    jobs=(
        migration(),
        *CARE,
    ),
    database=DatabaseNames("workflow_dashboard", "workflow_admin", "workflow_user_", "workflow_owner_"),
    redis=(Role.CACHE, Role.QUEUE),
    routes=ROUTES,
    trial=Trial(
        path="/api/workflows",
        body='{"name": "Try it out"}',
        status=201,
        identifier="id",
        read="/api/workflows/ID",
        remove="/api/workflows/ID",
    ),
    alerts=alerts,
)
