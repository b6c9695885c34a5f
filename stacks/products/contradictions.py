"""Contradictions within a blueprint: found when the registry loads, before any stack is planned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from infra.settings.value_types import memory_bytes
from stacks.products.blueprint import Blueprint
from stacks.specs.job import BackupUse
from stacks.specs.profile import Profile, Size
from stacks.specs.route import RouteGroup
from stacks.specs.store import Role
from stacks.specs.workload import WorkloadSpec


def contradictions(blueprint: Blueprint) -> tuple[str, ...]:
    """Everything in which a product contradicts itself, each with product, field, value and what is allowed."""
    found = [*_names(blueprint), *_migration(blueprint), *_routes(blueprint), *_buckets(blueprint)]
    for workload in blueprint.workloads:
        found += _workload(workload, blueprint)
    for environment, profile in blueprint.profiles.items():
        found += _profile(f"profiles.{environment}", profile, blueprint)
    return tuple(f"{blueprint.name}: {problem}" for problem in found)


def _names(blueprint: Blueprint) -> Iterator[str]:
    names = [*(one.name for one in blueprint.workloads), *(job.name for job in blueprint.jobs)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"workloads and jobs: {name!r} stands {names.count(name)} times; give each a name of its own"


def _migration(blueprint: Blueprint) -> Iterator[str]:
    first = blueprint.jobs[0] if blueprint.jobs else None
    if first is None or first.schedule is not None or not first.administers:
        name = first and first.name
        yield f"jobs: the first is {name!r}; it must be the migration, which administers the database"
    for job in blueprint.jobs:
        if (job.heartbeat is None) != (job.backups in (None, BackupUse.ARCHIVES)):
            yield f"jobs.{job.name}: has heartbeat {job.heartbeat} and backups {job.backups}; give both or neither"


def _by_host(blueprint: Blueprint) -> dict[str, Mapping[str, tuple[RouteGroup, ...]]]:
    routes = blueprint.routes
    return {
        "page": routes.page,
        "api": routes.api,
        "region": routes.region,
        "administration": routes.administration,
    }


def _routes(blueprint: Blueprint) -> Iterator[str]:
    named = {f"routes.{host}": name for host, groups in _by_host(blueprint).items() for name in groups}
    services = [service for one in blueprint.workloads for service in one.services]
    for field, name in (*named.items(), ("routes.health", blueprint.routes.health)):
        if name not in services:
            yield f"{field}: {name!r} is no Service of a workload; Services are {', '.join(services)}"


def _buckets(blueprint: Blueprint) -> Iterator[str]:
    known = [bucket.name for bucket in blueprint.buckets]
    used = {f"workloads.{one.name}": one.buckets for one in blueprint.workloads}
    used |= {f"jobs.{job.name}": job.buckets for job in blueprint.jobs}
    for place, names in used.items():
        for name in names:
            if name not in known:
                yield f"{place}.buckets: {name!r} is no bucket; buckets are {', '.join(known) or 'none'}"


def _workload(one: WorkloadSpec, blueprint: Blueprint) -> Iterator[str]:
    place = f"workloads.{one.name}"
    for peer in one.peers:
        if peer not in blueprint.workload_names:
            yield f"{place}.peers: {peer!r} is no workload; workloads are {', '.join(blueprint.workload_names)}"
    if one.port == one.page_port:
        yield f"{place}.page_port: is {one.page_port}, as port is; give each a number of its own"
    if one.queue is not None and not one.autoscaled:
        yield f"{place}: has a queue to scale by and autoscaled False; leave one of them out"
    routed = any(service in groups for groups in _by_host(blueprint).values() for service in one.services)
    if one.public != routed:
        allowed = "must be True, or its routes go" if routed else "must be False, or it gets a route"
        yield f"{place}.public: is {one.public}; it {allowed}"
    if one.holds_application_keys and Role.QUEUE not in blueprint.redis:
        yield f"{place}.holds_application_keys: needs the redis {Role.QUEUE}, in which limits of clients are counted"


def _profile(place: str, profile: Profile, blueprint: Blueprint) -> Iterator[str]:
    limits, services = blueprint.limits, set(profile.services)
    fixed = {one.name for one in blueprint.workloads if not one.autoscaled}
    for field, names in (("limits.instances", set(limits.instances)), ("workloads", set(blueprint.workload_names))):
        if services != names:
            yield f"{place}.services: are {sorted(services)}; they must be those of {field}: {sorted(names)}"
    for name in sorted(services & set(limits.instances)):
        size = profile.services[name]
        yield from _size(f"{place}.services.{name}", size, limits.instances[name], blueprint)
        if name in fixed and size.minimum != size.maximum:
            yield f"{place}.services.{name}: has {size.minimum} to {size.maximum} instances; no autoscaler moves them"
    for field, value, most in (
        ("postgres.storage_gb", profile.postgres.storage_gb, limits.storage_gb),
        ("postgres.max_connections", profile.postgres.max_connections, limits.database_connections),
        ("monthly_usd", profile.monthly_usd, limits.monthly_usd),
    ):
        if value > most:
            yield f"{place}.{field}: is {value}; it must be at most {most}, the product's limit"


def _size(place: str, size: Size, most: int, blueprint: Blueprint) -> Iterator[str]:
    if not 1 <= size.minimum <= size.maximum <= most:
        yield f"{place}: has {size.minimum} to {size.maximum} instances; allowed are 1 to {most}, the minimum first"
    memory = memory_bytes(size.memory)
    if memory is None or memory > blueprint.limits.memory_bytes:
        yield f"{place}.memory: is {size.memory}; it must be at most {blueprint.limits.memory_bytes} bytes, such as 1Gi"
