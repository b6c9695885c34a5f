"""One small stack that every rule passes, resource by resource. Documents show it, and tests break it in one place."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from policies.examples.cloud import CLOUD
from policies.examples.cluster import CLUSTER
from policies.examples.edge import EDGE
from policies.examples.routing import ROUTING
from policies.rule import Resource

COMPLIANT: Final[Mapping[str, Resource]] = MappingProxyType({**CLUSTER, **EDGE, **CLOUD, **ROUTING})
"""By the name that a rule's breaks call it."""
