"""Which stacks cannot do without the autoscaler of queues."""

from __future__ import annotations

from infra.settings import StackSettings
from stacks.products.content_generation import content_generation
from stacks.profile import resolve


def need_scaler(settings: StackSettings) -> bool:
    """Whether a workload that follows a queue always has more than one instance: it gets them from KEDA alone, because
    its Deployment states no number (requirement K09).
    """
    workloads = content_generation(resolve(settings))
    return any(one.queue is not None and one.size.minimum > 1 for one in workloads)
