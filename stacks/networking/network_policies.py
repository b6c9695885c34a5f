"""Allowed network traffic between the workloads of a region, as network policies take it (requirement K11). Pure."""

from __future__ import annotations

from typing import Final

from infra.settings.edge import EdgeKind
from infra.settings.stores import Backend
from stacks.plan import StackPlan
from stacks.specs.job import JobSpec
from stacks.specs.network import HTTPS_PORT, Peer, Traffic
from stacks.specs.store import POOLER, POSTGRES, POSTGRES_PORT, REDIS_PORT, redis_component
from stacks.specs.workload import Workload

ANYWHERE: Final = "0.0.0.0/0"


def of_workload(plan: StackPlan, workload: Workload, data_ranges: tuple[str, ...]) -> Traffic:
    """A service: metrics from monitoring, requests from the edge or its callers; out to its stores and peers, and to an
    error tracker where there is one. ``data_ranges`` are the addresses of managed stores.
    """
    settings, controllers = plan.settings, plan.settings.controllers
    callers = [Peer(workload.port, component=other.name) for other in plan.workloads if workload.name in other.peers]
    gateway = controllers.gateway if settings.edge.kind is EdgeKind.GATEWAY else controllers.ingress
    front = [Peer(port.number, namespace=gateway) for port in workload.ports] if workload.public else []
    scrape = Peer(workload.port, namespace=controllers.monitoring)
    ports = {other.name: other.port for other in plan.workloads}
    peers = [Peer(ports[peer], component=peer) for peer in workload.peers]
    stores = _redis(plan, data_ranges) if workload.pool is not None else ()
    pooler = (Peer(POSTGRES_PORT, component=POOLER),) if workload.pool is not None else ()
    direct = _postgres(plan, data_ranges) if workload.direct else ()
    reports = settings.telemetry.secret is not None
    outside = [Peer(HTTPS_PORT, cidr=ANYWHERE)] if workload.reaches_outside or workload.buckets or reports else []
    return Traffic((*front, *callers, scrape), (*pooler, *direct, *stores, *peers, *outside))


def of_job(plan: StackPlan, job: JobSpec, data_ranges: tuple[str, ...]) -> Traffic:
    """A job: nothing in; out to the stores, and to AWS where it must."""
    aws = (Peer(HTTPS_PORT, cidr=ANYWHERE),) if job.reaches_aws else ()
    return Traffic(egress=(*_postgres(plan, data_ranges), *_redis(plan, data_ranges), *aws))


def of_pooler(plan: StackPlan, data_ranges: tuple[str, ...]) -> Traffic:
    """Traffic of the pooler: from workloads with a pool and from KEDA, to the database."""
    clients = tuple(Peer(POSTGRES_PORT, component=one.name) for one in plan.workloads if one.pool is not None)
    asks = plan.idles or any(one.queue is not None for one in plan.workloads)
    scaler = (Peer(POSTGRES_PORT, namespace=plan.settings.controllers.scaler),) if asks else ()
    return Traffic((*clients, *scaler), _postgres(plan, data_ranges))


def of_postgres(plan: StackPlan) -> Traffic:
    """The pooler, who listens on a connection of its own, and jobs."""
    direct = tuple(workload.name for workload in plan.workloads if workload.direct)
    return Traffic(ingress=tuple(Peer(POSTGRES_PORT, component=one) for one in (POOLER, *direct, *plan.job_names)))


def of_redis(plan: StackPlan) -> Traffic:
    callers = (*(workload.name for workload in plan.workloads if workload.pool is not None), *plan.job_names)
    return Traffic(ingress=tuple(Peer(REDIS_PORT, component=caller) for caller in callers))


def _postgres(plan: StackPlan, data_ranges: tuple[str, ...]) -> tuple[Peer, ...]:
    """In the cluster by component, managed by the address ranges of its subnets."""
    if plan.profile.postgres.backend is Backend.CLUSTER:
        return (Peer(POSTGRES_PORT, component=POSTGRES),)
    return tuple(Peer(POSTGRES_PORT, cidr=one) for one in data_ranges)


def _redis(plan: StackPlan, data_ranges: tuple[str, ...]) -> tuple[Peer, ...]:
    if plan.profile.redis.backend is Backend.CLUSTER:
        return tuple(Peer(REDIS_PORT, component=redis_component(role)) for role in plan.blueprint.redis)
    return tuple(Peer(REDIS_PORT, cidr=one) for one in data_ranges)
