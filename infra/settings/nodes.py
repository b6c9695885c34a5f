"""Nodes of a region's cluster, each at the least (requirement Z09)."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from infra.catalog.nodes import LEAST, OLDEST, RECOMMENDED, USUAL, version
from infra.settings.value_types import VERSION_PATTERN, Model


def _new_enough(text: str) -> str:
    """Raises ValueError for a version that is not supported; the pattern has been checked."""
    if version(text) < OLDEST:
        raise ValueError(f"must be {OLDEST} or newer (Z09); renew the cluster first")
    return text


KubernetesVersion = Annotated[str, StringConstraints(pattern=VERSION_PATTERN), AfterValidator(_new_enough)]


class NodeSettings(Model):
    """Nodes of the regions' clusters, each node at the least (requirement Z09)."""

    kubernetes: KubernetesVersion = Field(str(USUAL), description="version of the oldest cluster")
    cores: int = Field(RECOMMENDED.cores, ge=LEAST.cores, description="cores of the smallest node")
    memory_gb: int = Field(RECOMMENDED.memory_gb, ge=LEAST.memory_gb, description="memory of the smallest node, GB")
    disk_gb: int = Field(RECOMMENDED.disk_gb, ge=LEAST.disk_gb, description="disk of the smallest node, GB")
