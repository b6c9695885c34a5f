"""Payments by Stripe (requirement E13)."""

from __future__ import annotations

from pydantic import Field

from infra.settings.value_types import OBJECT_NAME, PRICE_PATTERN, Model


class PaymentSettings(Model):
    """Prices of the paid tiers, and the account's keys. Without them every payment event is refused."""

    secret: str | None = Field(
        None,
        pattern=OBJECT_NAME,
        description="Kubernetes Secret with stripe_secret_key and stripe_webhook_secret, made by the account's owner",
    )
    starter: str | None = Field(None, pattern=PRICE_PATTERN, description="Stripe price of the tier Starter")
    pro: str | None = Field(None, pattern=PRICE_PATTERN, description="Stripe price of the tier Pro")
    business: str | None = Field(None, pattern=PRICE_PATTERN, description="Stripe price of the tier Business")
