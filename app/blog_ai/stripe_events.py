"""Stripe's events as JSON, and the facts of subscriptions in them (E13).

Only the fields that are used are read (docs.stripe.com/api/events, /subscriptions, /invoices); the rest changes with
Stripe's API version. Since version 2025-03-31 an invoice names its subscription in ``parent``, before in itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BaseModel, Field, StringConstraints, TypeAdapter, ValidationError

from app.access.tiers import Tier
from app.blog_ai.subscriptions import Changed, Settled, Step, highest
from app.domain import ClientId

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,100}$")]
_STEPS: Final = {
    "customer.subscription.created": Step.CREATED,
    "customer.subscription.updated": Step.UPDATED,
    "customer.subscription.deleted": Step.DELETED,
}
_PAID: Final = {"invoice.paid": True, "invoice.payment_failed": False}
TYPES: Final = (*_STEPS, *_PAID)
"""Types of events that change a tier; every other is taken and changes nothing."""


class EventRefused(Exception):
    """An event that should change a tier and does not say to what; Stripe sends it again after the fix."""


class _Data(BaseModel):
    object: dict[str, object]


class Envelope(BaseModel):
    """Fields of every event."""

    id: Id
    type: Annotated[str, StringConstraints(max_length=100)]
    created: int = Field(ge=0, le=4_102_444_800)
    data: _Data

    @property
    def at(self) -> datetime:
        """Moment at which it happened, in whole seconds."""
        return datetime.fromtimestamp(self.created, UTC)


class _Price(BaseModel):
    id: str


class _Item(BaseModel):
    price: _Price


class _Items(BaseModel):
    data: list[_Item] = []


class _Subscription(BaseModel):
    id: Id
    status: Annotated[str, StringConstraints(max_length=40)]
    metadata: dict[str, str] = {}
    items: _Items = _Items()


class _Details(BaseModel):
    subscription: Id | None = None


class _Parent(BaseModel):
    subscription_details: _Details | None = None


class _Invoice(BaseModel):
    subscription: Id | None = None
    parent: _Parent | None = None

    @property
    def of(self) -> str | None:
        """The subscription it is for; None for a single sale."""
        details = self.parent.subscription_details if self.parent else None
        return (details.subscription if details else None) or self.subscription


@dataclass(frozen=True)
class Fact:
    """Finding of one event about one subscription."""

    event_id: str
    subscription: str
    change: Changed | Settled


def envelope(body: bytes) -> Envelope:
    """Raises EventRefused for what is no event."""
    try:
        return Envelope.model_validate_json(body)
    except ValidationError as error:
        raise EventRefused(f"The event does not fit: {error.error_count()} errors.") from None


def fact(event: Envelope, tiers: Mapping[str, Tier]) -> Fact | None:
    """The fact in an event; None for one that is about no subscription. Raises EventRefused."""
    try:
        if event.type in _STEPS:
            return _changed(event, _Subscription.model_validate(event.data.object), tiers)
        if event.type in _PAID:
            subscription = _Invoice.model_validate(event.data.object).of
            settled = Settled(event.at, _PAID[event.type])
            return None if subscription is None else Fact(event.id, subscription, settled)
    except ValidationError as error:
        raise EventRefused(f"The object of the event does not fit: {error.error_count()} errors.") from None
    return None


def _changed(event: Envelope, found: _Subscription, tiers: Mapping[str, Tier]) -> Fact:
    step = _STEPS[event.type]
    client = found.metadata.get("client_id")
    if client is None:
        raise EventRefused(f"The subscription {found.id} has no client_id in its metadata; set it to the client's id.")
    try:
        _CLIENT.validate_python(client)
    except ValidationError:
        raise EventRefused(f"The client_id in the metadata of the subscription {found.id} is not one.") from None
    prices = [item.price.id for item in found.items.data]
    known = [tiers[price] for price in prices if price in tiers]
    if not known and step is not Step.DELETED:
        raise EventRefused(
            f"The prices of the subscription {found.id} ({', '.join(prices)[:200]}) are no plan's; set"
            " STRIPE_PRICE_ID_STARTER, _PRO or _BUSINESS to one of them."
        )
    return Fact(event.id, found.id, Changed(event.at, step, client, highest(known), found.status))


_CLIENT: Final = TypeAdapter(ClientId)
