"""Health for machines and people (A05, B01, E01): liveness, readiness, each dependency, metrics."""

from datetime import UTC, datetime

import httpx
import sentry_sdk
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.api.dependencies import ServicesNow
from app.database import DatabaseUnavailable
from app.services import Services
from app.telemetry.metrics import EXPOSITION_TYPE, exposition

router = APIRouter(tags=["health"])
STRIPE_SECONDS = 3.0


class Live(BaseModel):
    """The process runs."""

    status: str = "ok"


class DatabaseHealth(BaseModel):
    """Whether the primary answers, and how fast."""

    connected: bool
    latency_ms: float | None = None


@router.get("/health", response_model=Live)
async def health() -> Live:
    """Live: asks nobody else, so that a broken dependency never restarts the service."""
    return Live()


@router.get("/health/db", responses={503: {"description": "Not connected"}})
async def health_database(services: ServicesNow) -> Response:
    """The database and its latency."""
    found = await _database(services)
    return JSONResponse({"database": found.model_dump()}, 200 if found.connected else 503)


@router.get("/health/cache", responses={503: {"description": "Not connected"}})
async def health_cache(services: ServicesNow) -> Response:
    """Redis."""
    connected = await services.redis.connected()
    return JSONResponse({"cache": {"connected": connected}}, 200 if connected else 503)


@router.get("/health/sentry")
async def health_sentry() -> Response:
    """Whether errors are reported to Sentry."""
    return JSONResponse({"sentry": {"active": sentry_sdk.get_client().is_active()}})


@router.get("/health/stripe")
async def health_stripe(services: ServicesNow) -> Response:
    """Whether the payment provider can be reached; false where none is configured."""
    url = services.settings.stripe_api_url
    connected = False
    if url:
        try:
            reply = await services.http.get(url, timeout=STRIPE_SECONDS)
            connected = reply.status_code < 500
        except httpx.HTTPError:
            connected = False
    return JSONResponse({"stripe": {"connected": connected}})


@router.get("/api/health", responses={503: {"description": "The database is down"}})
async def api_health(services: ServicesNow) -> Response:
    """B's form, for people and monitors."""
    database = await _database(services)
    body = {
        "status": "healthy" if database.connected else "unhealthy",
        "timestamp": datetime.now(UTC).isoformat(),
        "services": {"api": "up", "database": "up" if database.connected else "down"},
    }
    return JSONResponse(body, 200 if database.connected else 503)


@router.get("/api/ready", responses={503: {"description": "Database or Redis is down, or the process drains"}})
async def api_ready(services: ServicesNow) -> Response:
    """B's stricter readiness: Redis counts too. Pods and load balancers ask /ready."""
    database, redis = await _database(services), await services.redis.connected()
    up = database.connected and redis and not services.lifecycle.draining
    names = {"database": database.connected, "redis": redis}
    body = {"status": "ready" if up else "not ready", "services": {k: "up" if v else "down" for k, v in names.items()}}
    return JSONResponse(body, 200 if up else 503)


@router.get("/ready", responses={503: {"description": "Draining, or without the database or its schema"}})
async def ready(services: ServicesNow) -> Response:
    """Whether traffic should come here: not while draining, not without the database and this release's migrations.

    Without Redis yes, degraded.
    """
    if services.lifecycle.draining:
        return JSONResponse({"status": "draining"}, 503)
    if not (await _database(services)).connected:
        return JSONResponse({"status": "database unavailable"}, 503)
    if not await _migrated(services):
        return JSONResponse({"status": "waiting for migrations"}, 503)
    degraded = [] if await services.redis.connected() else ["redis"]
    return JSONResponse({"status": "degraded" if degraded else "ready", "degraded": degraded})


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics() -> Response:
    """Prometheus' text format."""
    return Response(exposition(), media_type=EXPOSITION_TYPE)


async def _migrated(services: Services) -> bool:
    try:
        return await services.schema.ready()
    except DatabaseUnavailable:
        return False


async def _database(services: Services) -> DatabaseHealth:
    try:
        return DatabaseHealth(connected=True, latency_ms=round(await services.database.latency(), 2))
    except DatabaseUnavailable:
        return DatabaseHealth(connected=False)
