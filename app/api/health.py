"""Liveness, readiness and metrics, on every role."""

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from app.api.dependencies import ServicesNow
from app.database import DatabaseUnavailable
from app.telemetry.metrics import exposition

router = APIRouter(tags=["health"])


class Live(BaseModel):
    """The process runs."""

    status: str = "ok"


@router.get("/health", response_model=Live)
async def health() -> Live:
    """Live: asks nobody else, so that a broken dependency never restarts the service."""
    return Live()


@router.get("/ready")
async def ready(services: ServicesNow) -> Response:
    """Whether traffic should come here: not while draining, not without the database; without Redis yes, degraded."""
    if services.lifecycle.draining:
        return JSONResponse({"status": "draining"}, 503)
    try:
        await services.database.latency()
    except DatabaseUnavailable:
        return JSONResponse({"status": "database unavailable"}, 503)
    return JSONResponse({"status": "ready"})


@router.get("/metrics")
async def metrics() -> Response:
    """Prometheus' text format."""
    return Response(exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")
