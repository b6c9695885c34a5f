"""Health for people and load balancers, as document B has it word by word (B01), beside the platform's own endpoints.

Both answer from the last look of the process (app.watch), a second old at most. Pods ask /ready, which stays ready
without Redis; /api/ready counts Redis too, as the document does.
"""

from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from app.api.callers import CoreNow
from app.api.health import answer

router = APIRouter(tags=["health"])


class Parts(BaseModel):
    """Parts of the service that answer."""

    api: Literal["up"] = "up"
    database: Literal["up"] = "up"


class Healthy(BaseModel):
    """The database answers."""

    status: Literal["healthy"] = "healthy"
    timestamp: datetime
    services: Parts = Parts()


class Unhealthy(BaseModel):
    """The database does not answer; the reason stays in the log, because drivers' words hold addresses and logins."""

    status: Literal["unhealthy"] = "unhealthy"
    error: str = "The database does not answer."


class Ready(BaseModel):
    """Readiness with the database and Redis."""

    ready: bool


@router.get("/api/health", response_model=Healthy, responses={503: {"model": Unhealthy}})
async def api_health(core: CoreNow) -> Response:
    """For load balancers and people: 503 without the database."""
    if not core.watch.now.database:
        return answer(Unhealthy(), good=False)
    return answer(Healthy(timestamp=datetime.now(UTC)), good=True)


@router.get("/api/ready", response_model=Ready, responses={503: {"model": Ready}})
async def api_ready(core: CoreNow) -> Response:
    """Ready with the database, its migrations and Redis, and not while draining."""
    now = core.watch.now
    ready = now.database and now.migrated and now.cache and not core.lifecycle.draining
    return answer(Ready(ready=ready), good=ready)
