"""Health of content generation beside every product's (B01, E01): the documents' forms, and the payment provider."""

from datetime import UTC, datetime

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from app.api.dependencies import ServicesNow
from app.api.health import Connected, answer

router = APIRouter(tags=["health"])


class StripeHealth(BaseModel):
    """E01's form."""

    stripe: Connected


class ServiceHealth(BaseModel):
    """B01's form."""

    status: str
    services: dict[str, str]
    timestamp: datetime | None = None


@router.get("/health/stripe", response_model=StripeHealth, responses={503: {"model": StripeHealth}})
async def health_stripe(services: ServicesNow) -> Response:
    """Report whether the payment provider answered at most half a minute ago; an error only where one is configured."""
    answers = services.watch.payments
    good = answers or services.settings.payments is None
    return answer(StripeHealth(stripe=Connected(connected=answers)), good=good)


@router.get("/api/health", response_model=ServiceHealth, responses={503: {"model": ServiceHealth}})
async def api_health(services: ServicesNow) -> Response:
    """B's form, for people and monitors."""
    up = services.watch.now.database
    found = {"api": "up", "database": "up" if up else "down"}
    status = "healthy" if up else "unhealthy"
    return answer(ServiceHealth(status=status, services=found, timestamp=datetime.now(UTC)), good=up)


@router.get("/api/ready", response_model=ServiceHealth, responses={503: {"model": ServiceHealth}})
async def api_ready(services: ServicesNow) -> Response:
    """B's stricter readiness: Redis counts too. Pods and load balancers ask /ready."""
    now = services.watch.now
    up = now.database and now.cache and not services.lifecycle.draining
    found = {name: "up" if there else "down" for name, there in (("database", now.database), ("redis", now.cache))}
    return answer(ServiceHealth(status="ready" if up else "not ready", services=found), good=up)
