"""TEMPLATE_name: a web service with items in Postgres, its API and its page."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from infra.catalog.units import GIBIBYTE
from stacks.products.blueprint import Blueprint
from stacks.products.jobs import CARE, migration
from stacks.specs.limits import ScaleLimits
from stacks.specs.store import DatabaseNames, Role
from stacks.specs.trial import Trial

from .alerts import alerts
from .profiles import PROFILES
from .routes import ROUTES
from .workloads import WEB, WORKLOADS

BLUEPRINT: Final = Blueprint(
    name="TEMPLATE_name",
    short="TEMPLATE_short",
    namespace="TEMPLATE_name",
    limits=ScaleLimits(
        instances=MappingProxyType({WEB: 5}),
        database_connections=200,
        memory_bytes=2 * GIBIBYTE,
        storage_gb=100,
        monthly_usd=600,
    ),
    profiles=PROFILES,
    workloads=WORKLOADS,
    migrations=("app/TEMPLATE_package/migrations/versions",),
    jobs=(migration(), *CARE),
    database=DatabaseNames(
        database="TEMPLATE_package_db",
        administrator="TEMPLATE_package_admin",
        service="TEMPLATE_package_user_",
        owner="TEMPLATE_package_owner_",
    ),
    redis=(Role.CACHE, Role.QUEUE),
    routes=ROUTES,
    trial=Trial(
        path="/api/items",
        body='{"text": "Try it out"}',
        status=201,
        identifier="id",
        read="/api/items/ID",
        remove="/api/items/ID",
    ),
    alerts=alerts,
)
