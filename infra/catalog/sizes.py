"""The ladders of vertical sizes, smallest first (requirements K13, P01, P03, R03): one setting is one step. A data
store's is the same whether it runs in the cluster or at AWS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeVar


class DatabaseSize(StrEnum):
    """Sizes of a database, by what it may use."""

    TWO_FOUR = "2cpu-4gb"
    TWO_EIGHT = "2cpu-8gb"
    FOUR_EIGHT = "4cpu-8gb"


class GpuSize(StrEnum):
    """Sizes of an instance with a GPU, by the GPU (requirement K13)."""

    T4 = "t4"
    A10 = "a10"


class RedisSize(StrEnum):
    """Sizes of one Redis, by what it may use and hold."""

    QUARTER = "256mb"
    ONE = "1cpu-1gb"
    TWO = "2cpu-2gb"


@dataclass(frozen=True)
class DatabaseRung:
    """Step of the database's ladder.

    cores: CPU limit in the cluster, cores.
    memory_gb: memory, GB.
    instance_class: smallest RDS class of its family that has as much; AWS has none with four cores and 8 GB.
    """

    cores: int
    memory_gb: int
    instance_class: str


@dataclass(frozen=True)
class RedisRung:
    """Step of Redis' ladder.

    cpu: CPU limit in the cluster.
    memory_mb: maxmemory, MB.
    node_type: smallest ElastiCache type of its family that holds it: it has two cores in any size, and keeps a quarter
        for itself.
    """

    cpu: str
    memory_mb: int
    node_type: str


@dataclass(frozen=True)
class GpuRung:
    """Step of the ladder of instances with a GPU.

    cpu: CPU limit of an instance.
    memory: memory limit of an instance.
    accelerator: label value of the nodes with this GPU.
    node_type: smallest EC2 instance type with one such GPU; AWS builds the A10G in.
    """

    cpu: str
    memory: str
    accelerator: str
    node_type: str


GPU_LADDER: Final = MappingProxyType(
    {
        GpuSize.T4: GpuRung("2000m", "2Gi", "nvidia-t4", "g4dn.xlarge"),
        GpuSize.A10: GpuRung("4000m", "4Gi", "nvidia-a10", "g5.xlarge"),
    }
)
DATABASE_LADDER: Final = MappingProxyType(
    {
        DatabaseSize.TWO_FOUR: DatabaseRung(2, 4, "db.t4g.medium"),
        DatabaseSize.TWO_EIGHT: DatabaseRung(2, 8, "db.t4g.large"),
        DatabaseSize.FOUR_EIGHT: DatabaseRung(4, 8, "db.t4g.xlarge"),
    }
)
REDIS_LADDER: Final = MappingProxyType(
    {
        RedisSize.QUARTER: RedisRung("500m", 256, "cache.t4g.micro"),
        RedisSize.ONE: RedisRung("1000m", 1024, "cache.t4g.small"),
        RedisSize.TWO: RedisRung("2000m", 2048, "cache.t4g.medium"),
    }
)

Size = TypeVar("Size")


def one_up(ladder: Mapping[Size, object], size: Size) -> Size | None:
    """The next larger size; None above the largest."""
    sizes = list(ladder)
    place = sizes.index(size) + 1
    return sizes[place] if place < len(sizes) else None
