"""Recipe-app: recipes from ingredients, by language models, with videos (document D)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from infra.catalog.units import GIBIBYTE
from stacks.monitoring.content_alerts import alerts
from stacks.products.blueprint import Blueprint
from stacks.products.jobs import archiving_care, migration
from stacks.products.recipe_app.profiles import PROFILES
from stacks.products.recipe_app.routes import ROUTES
from stacks.products.recipe_app.workloads import (
    AI_GENERATION,
    BACKEND,
    FRONTEND,
    VARIABLES,
    VIDEO_PROCESSOR,
    VIDEOS,
    WORKLOADS,
)
from stacks.specs.limits import ScaleLimits
from stacks.specs.store import DatabaseNames, Role
from stacks.specs.trial import Trial

BLUEPRINT: Final = Blueprint(
    name="recipe-app",
    short="recipes",
    namespace="recipe-app",
    limits=ScaleLimits(
        instances=MappingProxyType({BACKEND: 10, FRONTEND: 5, AI_GENERATION: 10, VIDEO_PROCESSOR: 3}),
        database_connections=200,
        memory_bytes=2 * GIBIBYTE,
        storage_gb=250,
        monthly_usd=1000,
    ),
    profiles=PROFILES,
    workloads=WORKLOADS,
    migrations=("app/recipe_app/migrations/versions",),
    jobs=(migration(), *archiving_care(VIDEOS)),
    database=DatabaseNames("recipe_db", "recipe_admin", "recipe_user_", "recipe_owner_"),
    redis=(Role.CACHE, Role.QUEUE),
    routes=ROUTES,
    trial=Trial(
        path="/api/recipes",
        body='{"ingredients": ["egg", "rice"], "servings": 2}',
        status=202,
        identifier="id",
        read="/api/recipes/ID",
        state="status",
        done="ready",
        failed=frozenset({"failed", "archived"}),
        remove="/api/recipes/ID",
    ),
    alerts=alerts,
    buckets=(VIDEOS,),
    variables=VARIABLES,
)
