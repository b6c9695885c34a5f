"""Who may talk to whom in a region, as network policies want it (requirement K11)."""

from __future__ import annotations

from typing import Final

from components.data_network import PRIVATE_RANGE
from components.network_policy import HTTPS_PORT, Peer, Traffic
from components.postgres import PORT as POSTGRES_PORT
from components.redis import PORT as REDIS_PORT
from components.redis import Role
from infra.settings import Backend
from stacks.profile import Profile
from stacks.workload import APPLICATION_PORT, WorkloadSpec

GATEWAY_NAMESPACE: Final = "envoy-gateway-system"
MONITORING_NAMESPACE: Final = "monitoring"
ANYWHERE: Final = "0.0.0.0/0"
JOBS: Final = ("migrate", "backup")


def of_workload(workload: WorkloadSpec, workloads: tuple[WorkloadSpec, ...], profile: Profile) -> Traffic:
    """A service: metrics from monitoring, requests from the edge or its callers; out to its stores and peers."""
    callers = [Peer(APPLICATION_PORT, component=other.name) for other in workloads if workload.name in other.peers]
    edge = [Peer(APPLICATION_PORT, namespace=GATEWAY_NAMESPACE)] if workload.public else []
    scrape = Peer(APPLICATION_PORT, namespace=MONITORING_NAMESPACE)
    peers = [Peer(APPLICATION_PORT, component=peer) for peer in workload.peers]
    outside = [Peer(HTTPS_PORT, cidr=ANYWHERE)]
    return Traffic((*edge, *callers, scrape), (*_stores(profile), *peers, *outside))


def of_job(profile: Profile, *, reaches_aws: bool) -> Traffic:
    """A job: nothing in; out to the stores, and to AWS where it must."""
    return Traffic(egress=(*_stores(profile), *([Peer(HTTPS_PORT, cidr=ANYWHERE)] if reaches_aws else ())))


def of_postgres(workloads: tuple[WorkloadSpec, ...]) -> Traffic:
    callers = (*(workload.name for workload in workloads), *JOBS)
    return Traffic(ingress=tuple(Peer(POSTGRES_PORT, component=caller) for caller in callers))


def of_redis(workloads: tuple[WorkloadSpec, ...]) -> Traffic:
    callers = (*(workload.name for workload in workloads), *JOBS)
    return Traffic(ingress=tuple(Peer(REDIS_PORT, component=caller) for caller in callers))


def _stores(profile: Profile) -> tuple[Peer, ...]:
    """In the cluster by component, managed ones by the private address range they live in."""
    postgres = (
        Peer(POSTGRES_PORT, component="postgres")
        if profile.postgres.backend is Backend.CLUSTER
        else Peer(POSTGRES_PORT, cidr=PRIVATE_RANGE)
    )
    redis = (
        tuple(Peer(REDIS_PORT, component=f"redis-{role}") for role in Role)
        if profile.redis.backend is Backend.CLUSTER
        else (Peer(REDIS_PORT, cidr=PRIVATE_RANGE),)
    )
    return (postgres, *redis)
