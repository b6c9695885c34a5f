"""Health for machines and people (A05, B01, E01): liveness, readiness, each dependency, metrics.

Every answer comes from the last look of the process (app.watch), so asking often costs the stores nothing.
"""

from datetime import UTC, datetime

import sentry_sdk
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.api.dependencies import ServicesNow
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


class StripeHealth(BaseModel):
    """E01's form."""

    stripe: Connected


class Active(BaseModel):
    """State of an optional feature."""

    active: bool


class SentryHealth(BaseModel):
    """E01's form."""

    sentry: Active


class ServiceHealth(BaseModel):
    """B01's form."""

    status: str
    services: dict[str, str]
    timestamp: datetime | None = None


class Readiness(BaseModel):
    """Readiness for a load balancer; ``degraded`` names what the service goes on without."""

    status: str
    degraded: list[str] = []


@router.get("/health", response_model=Live)
async def health() -> Live:
    """Live: asks no dependency, so that a broken dependency never restarts the service."""
    return Live()


@router.get("/health/db", response_model=DatabaseHealth, responses={503: {"model": DatabaseHealth}})
async def health_database(services: ServicesNow) -> Response:
    """The database and its latency."""
    now = services.watch.now
    found = DatabaseFinding(connected=now.database, latency_ms=now.latency_ms)
    return _said(DatabaseHealth(database=found), good=now.database)


@router.get("/health/cache", response_model=CacheHealth, responses={503: {"model": CacheHealth}})
async def health_cache(services: ServicesNow) -> Response:
    """Redis."""
    connected = services.watch.now.cache
    return _said(CacheHealth(cache=Connected(connected=connected)), good=connected)


@router.get("/health/sentry", response_model=SentryHealth, responses={503: {"model": SentryHealth}})
async def health_sentry(services: ServicesNow) -> Response:
    """Report whether errors go to Sentry; an error only where they should."""
    active = sentry_sdk.get_client().is_active()
    return _said(SentryHealth(sentry=Active(active=active)), good=active or services.settings.sentry_dsn is None)


@router.get("/health/stripe", response_model=StripeHealth, responses={503: {"model": StripeHealth}})
async def health_stripe(services: ServicesNow) -> Response:
    """Report whether the payment provider answered at most half a minute ago; an error only where one is configured."""
    answers = services.watch.payments
    good = answers or services.settings.stripe_api_url is None
    return _said(StripeHealth(stripe=Connected(connected=answers)), good=good)


@router.get("/api/health", response_model=ServiceHealth, responses={503: {"model": ServiceHealth}})
async def api_health(services: ServicesNow) -> Response:
    """B's form, for people and monitors."""
    up = services.watch.now.database
    found = {"api": "up", "database": "up" if up else "down"}
    status = "healthy" if up else "unhealthy"
    return _said(ServiceHealth(status=status, services=found, timestamp=datetime.now(UTC)), good=up)


@router.get("/api/ready", response_model=ServiceHealth, responses={503: {"model": ServiceHealth}})
async def api_ready(services: ServicesNow) -> Response:
    """B's stricter readiness: Redis counts too. Pods and load balancers ask /ready."""
    now = services.watch.now
    up = now.database and now.cache and not services.lifecycle.draining
    found = {name: "up" if there else "down" for name, there in (("database", now.database), ("redis", now.cache))}
    return _said(ServiceHealth(status="ready" if up else "not ready", services=found), good=up)


@router.get("/ready", response_model=Readiness, responses={503: {"model": Readiness}})
async def ready(services: ServicesNow) -> Response:
    """Readiness for traffic: not while draining, not without the database and this release's migrations, not with a
    background task that fails again and again. Without Redis yes, degraded.
    """
    now = services.watch.now
    if services.lifecycle.draining:
        return _said(Readiness(status="draining"), good=False)
    if not now.database:
        return _said(Readiness(status="database unavailable"), good=False)
    if not now.migrated:
        return _said(Readiness(status="waiting for migrations"), good=False)
    failing = services.supervisor.down(FAILING_SECONDS)
    if failing:
        return _said(Readiness(status=f"background task failing: {', '.join(failing)}"), good=False)
    degraded = [] if now.cache else ["redis"]
    return _said(Readiness(status="degraded" if degraded else "ready", degraded=degraded), good=True)


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics() -> Response:
    """Prometheus' text format."""
    return Response(exposition(), media_type=EXPOSITION_TYPE)


def _said(body: BaseModel, *, good: bool) -> Response:
    return JSONResponse(body.model_dump(mode="json", exclude_none=True), 200 if good else 503)
