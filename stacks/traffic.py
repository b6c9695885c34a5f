"""Allowed network traffic between the workloads of a region, as network policies take it (requirement K11)."""

from __future__ import annotations

from typing import Final

from components.network_policy import HTTPS_PORT, Peer, Traffic
from components.pgbouncer import COMPONENT as POOLER
from components.postgres import PORT as POSTGRES_PORT
from components.redis import PORT as REDIS_PORT
from components.redis import Role
from infra.sections import Backend, EdgeKind
from infra.settings import StackSettings
from stacks.jobs import JobSpec, job_names
from stacks.profile import Profile
from stacks.workload import WorkloadSpec

ANYWHERE: Final = "0.0.0.0/0"


def of_workload(
    workload: WorkloadSpec,
    workloads: tuple[WorkloadSpec, ...],
    profile: Profile,
    settings: StackSettings,
    data_ranges: tuple[str, ...],
) -> Traffic:
    """A service: metrics from monitoring, requests from the edge or its callers; out to its stores and peers, and to an
    error tracker where there is one. ``data_ranges`` are the addresses of managed stores.
    """
    callers = [Peer(workload.port, component=other.name) for other in workloads if workload.name in other.peers]
    controllers = settings.controllers
    gateway = controllers.gateway if settings.edge.kind is EdgeKind.GATEWAY else controllers.ingress
    front = [Peer(workload.port, namespace=gateway)] if workload.public else []
    scrape = Peer(workload.port, namespace=controllers.monitoring)
    ports = {other.name: other.port for other in workloads}
    peers = [Peer(ports[peer], component=peer) for peer in workload.peers]
    stores = _redis(profile, data_ranges) if workload.pool is not None else ()
    pooler = (Peer(POSTGRES_PORT, component=POOLER),) if workload.pool is not None else ()
    direct = _postgres(profile, data_ranges) if workload.direct else ()
    reports = settings.telemetry.secret is not None
    outside = [Peer(HTTPS_PORT, cidr=ANYWHERE)] if workload.reaches_outside or reports else []
    return Traffic((*front, *callers, scrape), (*pooler, *direct, *stores, *peers, *outside))


def of_job(job: JobSpec, profile: Profile, data_ranges: tuple[str, ...]) -> Traffic:
    """A job: nothing in; out to the stores, and to AWS where it must."""
    aws = (Peer(HTTPS_PORT, cidr=ANYWHERE),) if job.reaches_aws else ()
    return Traffic(egress=(*_postgres(profile, data_ranges), *_redis(profile, data_ranges), *aws))


def of_pooler(
    workloads: tuple[WorkloadSpec, ...], profile: Profile, scaler: str, data_ranges: tuple[str, ...]
) -> Traffic:
    """Traffic of the pooler: from workloads with a pool and from the autoscaler in namespace ``scaler``, to the
    database.
    """
    clients = tuple(Peer(POSTGRES_PORT, component=one.name) for one in workloads if one.pool is not None)
    return Traffic((*clients, Peer(POSTGRES_PORT, namespace=scaler)), _postgres(profile, data_ranges))


def of_postgres(workloads: tuple[WorkloadSpec, ...], profile: Profile) -> Traffic:
    """The pooler, who listens on a connection of its own, and jobs."""
    direct = tuple(workload.name for workload in workloads if workload.direct)
    return Traffic(ingress=tuple(Peer(POSTGRES_PORT, component=one) for one in (POOLER, *direct, *job_names(profile))))


def of_redis(workloads: tuple[WorkloadSpec, ...], profile: Profile) -> Traffic:
    callers = (*(workload.name for workload in workloads if workload.pool is not None), *job_names(profile))
    return Traffic(ingress=tuple(Peer(REDIS_PORT, component=caller) for caller in callers))


def _postgres(profile: Profile, data_ranges: tuple[str, ...]) -> tuple[Peer, ...]:
    """In the cluster by component, managed by the address ranges of its subnets."""
    if profile.postgres.backend is Backend.CLUSTER:
        return (Peer(POSTGRES_PORT, component="postgres"),)
    return tuple(Peer(POSTGRES_PORT, cidr=one) for one in data_ranges)


def _redis(profile: Profile, data_ranges: tuple[str, ...]) -> tuple[Peer, ...]:
    if profile.redis.backend is Backend.CLUSTER:
        return tuple(Peer(REDIS_PORT, component=f"redis-{role}") for role in Role)
    return tuple(Peer(REDIS_PORT, cidr=one) for one in data_ranges)
