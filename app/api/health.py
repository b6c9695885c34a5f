"""Health of a process of any product (A05, E01): liveness, readiness, each dependency, metrics.

Every answer comes from the last look of the process (app.watch), so asking often costs the stores nothing.
"""

import sentry_sdk
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.api.callers import CoreNow
from app.telemetry.metrics import EXPOSITION_TYPE, exposition

router = APIRouter(tags=["health"])
FAILING_SECONDS = 10.0
"""A background task that fails for so long makes the process useless: modes, revocations or figures stand still."""


class Live(BaseModel):
    """The process runs."""

    status: str = "healthy"


class DatabaseFinding(BaseModel):
    """State of the primary database, and its latency."""

    connected: bool
    latency_ms: float | None = None


class DatabaseHealth(BaseModel):
    """E01's form."""

    database: DatabaseFinding


class Connected(BaseModel):
    """State of a dependency's connection."""

    connected: bool


class CacheHealth(BaseModel):
    """E01's form."""

    cache: Connected


class Active(BaseModel):
    """State of an optional feature."""

    active: bool


class SentryHealth(BaseModel):
    """E01's form."""

    sentry: Active


class Readiness(BaseModel):
    """Readiness for a load balancer; ``degraded`` names what the service goes on without."""

    status: str
    degraded: list[str] = []


@router.get("/health", response_model=Live)
async def health() -> Live:
    """Live: asks no dependency, so that a broken dependency never restarts the service."""
    return Live()


@router.get("/health/db", response_model=DatabaseHealth, responses={503: {"model": DatabaseHealth}})
async def health_database(services: CoreNow) -> Response:
    """The database and its latency."""
    now = services.watch.now
    found = DatabaseFinding(connected=now.database, latency_ms=now.latency_ms)
    return answer(DatabaseHealth(database=found), good=now.database)


@router.get("/health/cache", response_model=CacheHealth, responses={503: {"model": CacheHealth}})
async def health_cache(services: CoreNow) -> Response:
    """Redis."""
    connected = services.watch.now.cache
    return answer(CacheHealth(cache=Connected(connected=connected)), good=connected)


@router.get("/health/sentry", response_model=SentryHealth, responses={503: {"model": SentryHealth}})
async def health_sentry(services: CoreNow) -> Response:
    """Report whether errors go to Sentry; an error only where they should."""
    active = sentry_sdk.get_client().is_active()
    return answer(SentryHealth(sentry=Active(active=active)), good=active or services.settings.sentry_dsn is None)


@router.get("/ready", response_model=Readiness, responses={503: {"model": Readiness}})
async def ready(services: CoreNow) -> Response:
    """Readiness for traffic: not while draining, not without the database and this release's migrations, not with a
    background task that fails again and again. Without Redis yes, degraded.
    """
    now = services.watch.now
    if services.lifecycle.draining:
        return answer(Readiness(status="draining"), good=False)
    if not now.database:
        return answer(Readiness(status="database unavailable"), good=False)
    if not now.migrated:
        return answer(Readiness(status="waiting for migrations"), good=False)
    failing = services.supervisor.down(FAILING_SECONDS)
    if failing:
        return answer(Readiness(status=f"background task failing: {', '.join(failing)}"), good=False)
    degraded = [] if now.cache else ["redis"]
    return answer(Readiness(status="degraded" if degraded else "ready", degraded=degraded), good=True)


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics() -> Response:
    """Prometheus' text format."""
    return Response(exposition(), media_type=EXPOSITION_TYPE)


def answer(body: BaseModel, *, good: bool) -> Response:
    """A finding with 200, or with 503 when it is not good."""
    return JSONResponse(body.model_dump(mode="json", exclude_none=True), 200 if good else 503)
