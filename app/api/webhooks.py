"""POST /webhooks/billing: changes of plans from the billing system, verified by its signature (E03)."""

import hashlib
import hmac
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Request
from pydantic import ValidationError
from sqlalchemy import func, or_, update
from starlette.responses import Response

from app.access.tiers import Tier
from app.api.dependencies import ServicesNow
from app.api.problems import ProblemError, documented
from app.domain import ClientId, Strict
from app.tables import api_keys

router = APIRouter(tags=["webhooks"])
TOLERANCE_SECONDS = 300


class TierChanged(Strict):
    """A client's plan is another one now."""

    type: Literal["tier.changed"]
    client_id: ClientId
    tier: Tier


def sign(secret: str, body: bytes, moment: int) -> str:
    """The signature header for a body: t=<seconds>,v1=<hex HMAC-SHA256 of "t.body">, as Stripe does it."""
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def verified(secrets: Sequence[str], body: bytes, header: str, now: float) -> datetime | None:
    """Time of signature of an untouched, recent message signed with one of the secrets; None for any other."""
    fields = {name: value for name, _, value in (part.partition("=") for part in header.split(","))}
    moment = fields.get("t", "")
    if not (moment.isascii() and moment.isdigit()) or abs(now - int(moment)) > TOLERANCE_SECONDS:
        return None
    signed = (sign(secret, body, int(moment)).encode() for secret in secrets)
    same = any(hmac.compare_digest(one, header.encode()) for one in signed)
    return datetime.fromtimestamp(int(moment), UTC) if same else None


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
    moment = verified(services.settings.webhook_secrets, body, x_webhook_signature, time.time())
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
