"""Allowances of each kind of caller (A10, E04, E05); stated here once for limits, documentation and tests."""

from dataclasses import dataclass
from enum import StrEnum

from app.service_settings import ServiceSettings


class Tier(StrEnum):
    """The plan of an API key."""

    FREE = "free"
    STARTER = "starter"
    PRO = "pro"
    BUSINESS = "business"


@dataclass(frozen=True)
class Allowance:
    """Requests a minute and an hour, generations a minute, texts a day; None is unlimited."""

    per_minute: int
    per_hour: int | None
    generate_per_minute: int
    texts_per_day: int | None


TIERS = {
    Tier.FREE: Allowance(30, None, 5, 100),
    Tier.STARTER: Allowance(60, None, 15, 500),
    Tier.PRO: Allowance(120, None, 30, 2000),
    Tier.BUSINESS: Allowance(300, None, 60, None),
}


def allowance(tier: Tier | None, settings: ServiceSettings) -> Allowance:
    """Allowance of a key's tier, or of an address without a key."""
    if tier is not None:
        return TIERS[tier]
    return Allowance(
        settings.rate_limit_per_minute, settings.rate_limit_per_hour, settings.rate_limit_generate_per_minute, None
    )
