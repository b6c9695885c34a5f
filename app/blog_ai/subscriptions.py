"""Course of a subscription, from Stripe's events to the tier in force (E13). Pure.

Stripe delivers events at least once and in any order (docs.stripe.com/webhooks, "Event ordering"), with times in whole
seconds. So an event counts only if it is newer than what is known of its kind; in one second a subscription is created
before it is updated and updated before it is deleted, and an invoice fails before it is paid.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import Final

from app.access.tiers import Tier

IN_FORCE: Final = frozenset(("active", "trialing"))
"""States of a subscription that is paid for (docs.stripe.com/api/subscriptions/object, "status")."""
_RANKS: Final = tuple(Tier)


class Step(IntEnum):
    """Order of events that happened in one second."""

    CREATED = 0
    UPDATED = 1
    DELETED = 2


@dataclass(frozen=True)
class Changed:
    """A subscription as it is after customer.subscription.created, updated or deleted."""

    at: datetime
    step: Step
    client_id: str
    tier: Tier
    status: str


@dataclass(frozen=True)
class Settled:
    """Outcome of an invoice of a subscription: invoice.paid or invoice.payment_failed."""

    at: datetime
    paid: bool


@dataclass(frozen=True)
class Subscription:
    """State of one subscription: the newest event of each kind, and what they say."""

    client_id: str | None = None
    tier: Tier = Tier.FREE
    status: str = ""
    changed_at: datetime | None = None
    changed_step: Step = Step.CREATED
    paid: bool = True
    settled_at: datetime | None = None

    @property
    def in_force(self) -> Tier:
        """Tier that the client has by it: none but Free from a payment that failed until one is made, or until Stripe
        calls the subscription active again.
        """
        recovered = self.changed_at is not None and self.settled_at is not None and self.changed_at > self.settled_at
        return self.tier if self.status in IN_FORCE and (self.paid or recovered) else Tier.FREE

    def after(self, event: Changed | Settled) -> "Subscription | None":
        """The state after an event; None when the event is late and changes nothing."""
        if isinstance(event, Settled):
            if self.settled_at is not None and (event.at, event.paid) <= (self.settled_at, self.paid):
                return None
            return replace(self, paid=event.paid, settled_at=event.at)
        if self.changed_at is not None and (event.at, event.step) <= (self.changed_at, self.changed_step):
            return None
        return replace(
            self,
            client_id=event.client_id,
            tier=event.tier,
            status=event.status,
            changed_at=event.at,
            changed_step=event.step,
        )


def highest(tiers: "list[Tier]") -> Tier:
    """The best of a client's tiers; Free without any."""
    return max(tiers, key=_RANKS.index, default=Tier.FREE)
