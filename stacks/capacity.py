"""Maximum demand of a region's namespace: every workload at its maximum, every store, every job at once. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from components.amount import Resources, Totals, mebibytes, millicores
from components.application_job import RESOURCES as JOB
from components.pgbouncer import COMPONENT as POOLER
from components.pgbouncer import RESOURCES as POOLER_RESOURCES
from components.postgres_cluster import COMPONENT as POSTGRES
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


@dataclass(frozen=True)
class Running:
    """Pods of one kind that run at the same time.

    name: workload, store or job.
    count: number of pods.
    resources: requests and limits of one pod.
    """

    name: str
    count: int
    resources: Resources


def running(workloads: tuple[WorkloadSpec, ...], profile: Profile) -> list[Running]:
    """Everything that may run at the same time."""
    found = [Running(workload.name, workload.size.maximum + SURGE, workload.resources) for workload in workloads]
    found.append(Running(POOLER, profile.postgres.poolers + SURGE, POOLER_RESOURCES))
    found += [Running(name, 2, JOB) for name in job_names(profile)]
    if profile.postgres.backend is Backend.CLUSTER:
        rung = profile.postgres.rung
        found.append(Running(POSTGRES, 1, postgres_resources(rung.cores, rung.memory_gb)))
    if profile.redis.backend is Backend.CLUSTER:
        one = redis_resources(profile.redis.rung.cpu, profile.redis.rung.memory_mb)
        found += [Running(f"redis-{role}", 1, one) for role in Role]
    return found


def capacity(workloads: tuple[WorkloadSpec, ...], profile: Profile) -> Totals:
    """The sum over everything."""
    everything = running(workloads, profile)
    storage = profile.postgres.storage_gb if profile.postgres.backend is Backend.CLUSTER else 0
    storage += len(Role) * REDIS_VOLUME_GB if profile.redis.backend is Backend.CLUSTER else 0
    return Totals(
        pods=sum(one.count for one in everything),
        cpu_requests=_sum(everything, lambda one: millicores(one.cpu_request)),
        cpu_limits=_sum(everything, lambda one: millicores(one.cpu_limit)),
        memory_requests=_sum(everything, lambda one: mebibytes(one.memory_request)),
        memory_limits=_sum(everything, lambda one: mebibytes(one.memory_limit)),
        storage_gb=storage,
    )


def _sum(everything: list[Running], amount: Callable[[Resources], int]) -> int:
    return sum(one.count * amount(one.resources) for one in everything)
