"""Size of a service as a stack file says it."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self

from pydantic import Field, model_validator

from infra.catalog.sizes import GpuSize
from infra.settings.value_types import Cpu, Image, Memory, Model


class Tier(StrEnum):
    """The vertical sizes of an instance by their names (requirement K18)."""

    STANDARD = "standard"
    PRO = "pro"
    PREMIUM = "premium"


TIER_MEMORY: Final = MappingProxyType({Tier.STANDARD: "512Mi", Tier.PRO: "1Gi", Tier.PREMIUM: "2Gi"})


class ServiceSettings(Model):
    """One service's size. ``minimum`` and ``maximum`` are instances a region; ``memory`` is the limit of one."""

    minimum: int | None = Field(None, ge=1, description="instances the autoscaler keeps at least, see idle")
    maximum: int | None = Field(None, ge=1, description="instances the autoscaler goes up to")
    image: Image | None = Field(None, description="image of this service alone; a digest outside local")
    memory: Memory | None = Field(None, description="memory limit of one instance, such as 1Gi")
    cpu: Cpu | None = Field(None, description="CPU limit of one instance, such as 1000m")
    tier: Tier | None = Field(None, strict=False, description="memory by name: standard 512Mi, pro 1Gi, premium 2Gi")
    gpu: GpuSize | None = Field(
        None, strict=False, description="GPU of each instance, with the CPU and memory of its step (K13)"
    )
    sticky: bool | None = Field(None, description="a client's requests go to the same instance while it is healthy")
    processes: int | None = Field(None, ge=1, le=8, description="server processes of one instance")
    pool: int | None = Field(None, ge=1, le=100, description="database connections a process keeps open")
    overflow: int | None = Field(None, ge=0, le=100, description="database connections a process adds in a rush")

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.tier is not None and self.memory is not None:
            raise ValueError(f"tier {self.tier} and memory {self.memory} say the same thing twice; give one of them")
        return self

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        return self
