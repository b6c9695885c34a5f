"""Public paths that every product has."""

from __future__ import annotations

from typing import Final

from stacks.specs.paths import UNLIMITED_PATHS
from stacks.specs.route import RouteGroup

MONITORING: Final = (RouteGroup("health", UNLIMITED_PATHS, timeout="10s", rate=None),)
"""Routes of load balancers and monitors, who may ask as often as they like (requirement K15)."""
