"""One region of a stack, from which the alert rules of its product are computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stacks.monitoring.promql import Queries
from stacks.specs.profile import Profile
from stacks.specs.workload import Workload


@dataclass(frozen=True)
class AlertContext:
    """One region of a stack, as its alert rules see it.

    queries: PromQL of the region's namespace.
    workloads: workloads with their sizes.
    usual: minimum of instances in the environment's profile, by workload, before the stack file changes it.
    profile: profile with the stack file's own values.
    month_usd: budget of the region, USD a calendar month.
    """

    queries: Queries
    workloads: tuple[Workload, ...]
    usual: Mapping[str, int]
    profile: Profile
    month_usd: int
