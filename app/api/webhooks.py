"""POST /webhooks/billing: changes of plans from the billing system, verified by its signature (E03)."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Request
from pydantic import ValidationError
from sqlalchemy import func, or_, update
from starlette.responses import Response

from app.access.signatures import signed_at
from app.access.tiers import Tier
from app.api.dependencies import ServicesNow
from app.api.problems import ProblemError, documented
from app.domain import ClientId, Strict
from app.tables import api_keys

router = APIRouter(tags=["webhooks"])


class TierChanged(Strict):
    """A client's plan is another one now."""

    type: Literal["tier.changed"]
    client_id: ClientId
    tier: Tier


# The body is read raw, because the signature covers its bytes; so the document is told its form here.
_SCHEMA = TierChanged.model_json_schema(ref_template="#/components/schemas/{model}")
_SCHEMA.pop("$defs")


@router.post(
    "/webhooks/billing",
    status_code=204,
    responses=documented(400, 401, 413, 422, 429, 503),
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}},
)
async def billing(
    request: Request, services: ServicesNow, x_webhook_signature: Annotated[str, Header(max_length=200)] = ""
) -> Response:
    """Takes `tier.changed`. An event older than its client's last one, or the same again, changes nothing."""
    body = await request.body()
    moment = signed_at(services.settings.webhook_secrets, body, x_webhook_signature)
    if moment is None:
        raise ProblemError(
            401, "The signature is missing, wrong or too old.", {"WWW-Authenticate": "X-Webhook-Signature"}
        )
    try:
        event = TierChanged.model_validate_json(body)
    except ValidationError as error:
        raise ProblemError(422, f"The event does not fit: {error.error_count()} errors.") from None
    async with services.database.write() as connection:
        values = {"tier": event.tier.value, "tier_event_at": moment, "changed_at": func.now()}
        older = or_(api_keys.c.tier_event_at.is_(None), api_keys.c.tier_event_at < moment)
        own = update(api_keys).where(api_keys.c.client_id == event.client_id, older)
        changed = (await connection.execute(own.values(values).returning(api_keys.c.id))).scalars().all()
    await services.cache.invalidate(*(f"key:{key}" for key in changed))
    return Response(status_code=204)
