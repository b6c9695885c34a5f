"""What a region's namespace needs at the most: every workload at its maximum, every store, every job at once. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from components.amount import Resources, Totals, mebibytes, millicores
from components.application_job import RESOURCES as JOB
from components.pgbouncer import RESOURCES as POOLER
from components.postgres_cluster import resources as postgres_resources
from components.redis import Role
from components.redis_cluster import VOLUME_GB as REDIS_VOLUME_GB
from components.redis_cluster import resources as redis_resources
from infra.sections import Backend
from stacks.jobs import job_names
from stacks.profile import Profile
from stacks.workload import WorkloadSpec

SURGE: Final = 1
"""A rollout starts one new instance before it ends an old one."""


def capacity(workloads: tuple[WorkloadSpec, ...], profile: Profile) -> Totals:
    """The sum over everything that may run at the same time."""
    running = [(workload.size.maximum + SURGE, workload.resources) for workload in workloads]
    running += [(profile.postgres.poolers + SURGE, POOLER), (len(job_names(profile)) * 2, JOB)]
    storage = 0
    if profile.postgres.backend is Backend.CLUSTER:
        running.append((1, postgres_resources(profile.postgres.rung.cores, profile.postgres.rung.memory_gb)))
        storage += profile.postgres.storage_gb
    if profile.redis.backend is Backend.CLUSTER:
        running.append((len(Role), redis_resources(profile.redis.rung.cpu, profile.redis.rung.memory_mb)))
        storage += len(Role) * REDIS_VOLUME_GB
    return Totals(
        pods=sum(count for count, _ in running),
        cpu_requests=_sum(running, lambda one: millicores(one.cpu_request)),
        cpu_limits=_sum(running, lambda one: millicores(one.cpu_limit)),
        memory_requests=_sum(running, lambda one: mebibytes(one.memory_request)),
        memory_limits=_sum(running, lambda one: mebibytes(one.memory_limit)),
        storage_gb=storage,
    )


def _sum(running: list[tuple[int, Resources]], amount: Callable[[Resources], int]) -> int:
    return sum(count * amount(one) for count, one in running)
