"""The rules of the pack. Mandatory unless a stack's configuration relaxes one (requirement Y06)."""

from __future__ import annotations

from typing import Final

from policies.rule import Rule
from policies.rules import (
    access,
    audit,
    autoscaling,
    bucket,
    capacity,
    cost,
    coverage,
    data,
    edge,
    headers,
    keys,
    lifecycle,
    namespace,
    origins,
    recovery,
    regions,
    resilience,
    scale,
    supply,
    workload,
)

NAME: Final = "contentgen"
VERSION: Final = "1.0.0"
"""Also in PulumiPolicy.yaml, which the engine reads; a test keeps them in step."""

_READING: Final[dict[str, tuple[Rule, ...]]] = {
    "Headers": headers.RULES,
    "Edge": (*edge.RULES, *origins.RULES),
    "Scale": (*scale.RULES, *autoscaling.RULES),
    "Capacity": capacity.RULES,
    "Workloads": workload.RULES,
    "Namespaces": namespace.RULES,
    "Buckets": bucket.RULES,
    "Data": (*data.RULES, *keys.RULES),
    "Access": (*access.RULES, *audit.RULES),
    "Cost": cost.RULES,
    "Resilience": (*resilience.RULES, *lifecycle.RULES),
    "Recovery": recovery.RULES,
    "Regions": regions.RULES,
    "Supply chain": supply.RULES,
}
AREAS: Final[dict[str, tuple[Rule, ...]]] = {
    **_READING,
    "Coverage": (coverage.unread([rule for rules in _READING.values() for rule in rules]),),
}
RULES: Final[tuple[Rule, ...]] = tuple(rule for rules in AREAS.values() for rule in rules)
