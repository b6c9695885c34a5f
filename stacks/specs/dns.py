"""DNS records of a stack as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Policy(StrEnum):
    """Route 53's routing policies that we use."""

    SIMPLE = "simple"
    FAILOVER = "failover"
    LATENCY = "latency"
    GEOLOCATION = "geolocation"


@dataclass(frozen=True)
class RecordSpec:
    """DNS record.

    name: record name.
    policy: routing policy.
    key: value that the policy selects by: PRIMARY or SECONDARY, a region code, a continent code, or ``*``.
    alias: name of another record of the table.
    target: name outside the table.
    health_region: region whose health check the record carries.
    """

    name: str
    policy: Policy
    key: str = ""
    alias: str | None = None
    target: str | None = None
    health_region: str | None = None

    @property
    def identifier(self) -> str:
        """The set identifier, which tells apart the records of one name."""
        return self.key.lower() if self.key != "*" else "default"
