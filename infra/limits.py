"""The hard limits of each product, stated once (requirement Y02): settings refuse more, the autoscaler gets no more,
the policy pack checks for no more, alerts and documents quote the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

MEBIBYTE: Final = 2**20
GIBIBYTE: Final = 2**30
GIGABYTE: Final = 10**9

LONGEST_STACK_NAME: Final = 20
"""Characters: the longest identifier made of a stack's name, ``<stack>-<region>-<role>-<7 digits>`` of an ElastiCache
replication group, has 40 (ElastiCache API, CreateReplicationGroup)."""


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


CONTENT_GENERATION: Final = ScaleLimits(
    instances=MappingProxyType({"cpm": 10, "im": 5, "worker": 5, "frontend": 5}),
    database_connections=200,
    memory_bytes=2 * GIBIBYTE,
    storage_gb=100,
    monthly_usd=1500,
)

LIMITS: Final = MappingProxyType({"content-generation": CONTENT_GENERATION})
