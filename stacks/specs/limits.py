"""Hard limits of a product (requirement Y02): settings refuse more, autoscalers get no more, and the policy pack, the
alerts and the pages read the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class ScaleLimits:
    """Upper limits of a product.

    instances: instances a region, by service.
    database_connections: max_connections of the database.
    memory_bytes: memory limit of one instance, bytes.
    storage_gb: storage of one database or volume, GB.
    monthly_usd: budget, USD a month and region.
    """

    instances: MappingProxyType[str, int]
    database_connections: int
    memory_bytes: int
    storage_gb: int
    monthly_usd: int
