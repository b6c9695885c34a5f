"""Stacks that need the queue autoscaler (KEDA)."""

from __future__ import annotations

from infra.settings import StackSettings
from stacks.products.content_generation import content_generation
from stacks.profile import resolve


def need_scaler(settings: StackSettings) -> bool:
    """True if a workload that follows a queue always has more than one instance: KEDA alone gives it more, because its
    Deployment states no replicas (requirement K09).
    """
    workloads = content_generation(resolve(settings))
    return any(one.queue is not None and one.size.minimum > 1 for one in workloads)
