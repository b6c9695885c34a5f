"""Maximum demand of a region's namespace: every workload at its maximum, every store, every job at once. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from infra.catalog.sizes import GpuSize
from infra.settings.stores import Backend
from stacks.specs.job import JOB_RESOURCES, JobSpec
from stacks.specs.profile import Profile
from stacks.specs.resources import Resources, Totals, mebibytes, millicores
from stacks.specs.store import (
    POOLER,
    POOLER_RESOURCES,
    POSTGRES,
    REDIS_VOLUME_GB,
    Role,
    postgres_resources,
    redis_component,
    redis_resources,
)
from stacks.specs.workload import Workload

SURGE: Final = 1
"""A rollout starts one new instance before it ends an old one."""


@dataclass(frozen=True)
class Running:
    """Pods of one kind that run at the same time.

    name: workload, store or job.
    count: number of pods.
    resources: requests and limits of one pod.
    gpu: GPU of each pod; None without one.
    """

    name: str
    count: int
    resources: Resources
    gpu: GpuSize | None = None


def running(
    workloads: tuple[Workload, ...], jobs: tuple[JobSpec, ...], profile: Profile, redis: tuple[Role, ...]
) -> list[Running]:
    """Everything that may run at the same time."""
    found = [
        Running(workload.name, workload.size.maximum + SURGE, workload.resources, workload.size.gpu)
        for workload in workloads
    ]
    found.append(Running(POOLER, profile.postgres.poolers + SURGE, POOLER_RESOURCES))
    found += [Running(job.name, 2, JOB_RESOURCES) for job in jobs]
    if profile.postgres.backend is Backend.CLUSTER:
        rung = profile.postgres.rung
        found.append(Running(POSTGRES, 1, postgres_resources(rung.cores, rung.memory_gb)))
    if profile.redis.backend is Backend.CLUSTER:
        one = redis_resources(profile.redis.rung.cpu, profile.redis.rung.memory_mb)
        found += [Running(redis_component(role), 1, one) for role in redis]
    return found


def capacity(everything: tuple[Running, ...], profile: Profile, redis: tuple[Role, ...]) -> Totals:
    """The sum over everything that may run at the same time, and over every volume."""
    storage = profile.postgres.storage_gb if profile.postgres.backend is Backend.CLUSTER else 0
    storage += len(redis) * REDIS_VOLUME_GB if profile.redis.backend is Backend.CLUSTER else 0
    return Totals(
        pods=sum(one.count for one in everything),
        cpu_requests=_sum(everything, lambda one: millicores(one.cpu_request)),
        cpu_limits=_sum(everything, lambda one: millicores(one.cpu_limit)),
        memory_requests=_sum(everything, lambda one: mebibytes(one.memory_request)),
        memory_limits=_sum(everything, lambda one: mebibytes(one.memory_limit)),
        storage_gb=storage,
        gpus=sum(one.count for one in everything if one.gpu is not None),
    )


def _sum(everything: tuple[Running, ...], amount: Callable[[Resources], int]) -> int:
    return sum(one.count * amount(one.resources) for one in everything)
