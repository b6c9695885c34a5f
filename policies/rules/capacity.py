"""Rules over the whole stack: database connections in the worst case, room in the namespace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pulumi_policy import Severity

from policies.pods import DEPLOYMENT, ROLLOUT, STATEFUL_SET, namespace, object_name
from policies.reading import at, items, mapping, mappings, number, text
from policies.rule import Break, Judged, Resource, StackRule, Violation, each
from policies.rules.scale import AUTOSCALERS, maximum, target
from policies.tunables import Kind, Settings, Tunable

CONFIG_MAP: Final = "kubernetes:core/v1:ConfigMap"
NAMESPACE: Final = "kubernetes:core/v1:Namespace"
QUOTA: Final = "kubernetes:core/v1:ResourceQuota"
LIMIT_RANGE: Final = "kubernetes:core/v1:LimitRange"
REPLICATED: Final = (DEPLOYMENT, STATEFUL_SET, ROLLOUT)
NAME_LABEL: Final = "app.kubernetes.io/name"


def _worst_case(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    """A database is used from the namespace it is in, so each namespace of each cluster is counted for itself."""
    keys = [settings.text(name) for name in ("poolKey", "overflowKey", "processesKey")]
    scalers = [one for one in resources if one.type in AUTOSCALERS]
    used: dict[str, dict[str, float]] = {}

    def counted(config: Resource) -> Iterator[Judged]:
        service = text(at(config.properties, "metadata", "labels", NAME_LABEL))
        connections, where = _connections(config, keys), namespace(config)
        if connections is None:
            return
        mine = [one for one in scalers if (namespace(one), target(one)) == (where, service)]
        fixed = [one for one in resources if one.type in REPLICATED and _is_named(one, where, service)]
        most = [maximum(one) for one in mine] or [number(at(one.properties, "spec", "replicas")) or 1 for one in fixed]
        for scaler in (one for one in mine if maximum(one) is None):
            yield Violation("states no maximum, so the worst case of its connections is unknown", scaler)
        if known := [one for one in most if one is not None]:
            used.setdefault(where, {})[service] = max(known) * connections

    yield from each([one for one in resources if one.type == CONFIG_MAP], counted)
    limit = settings.number("databaseConnections") - settings.number("reserve")
    for where, by_service in used.items():
        total = sum(by_service.values())
        if total > limit:
            parts = " + ".join(f"{service} {count:g}" for service, count in sorted(by_service.items()))
            told = f"{where}: {parts} = {total:g} connections in the worst case; the database leaves {limit:g}"
            yield Violation(f"{told}. Lower a maximum or a pool")


def _is_named(one: Resource, where: str, service: str) -> bool:
    return namespace(one) == where and object_name(one) == service


def _connections(config: Resource, keys: Sequence[str]) -> float | None:
    """Connections of one instance; None for a config map that speaks of no pool."""
    data = mapping(at(config.properties, "data"))
    size, overflow, processes = (number(data.get(key)) for key in keys)
    return None if size is None else (size + (overflow or 0)) * (processes or 1)


def _is_quota(one: Resource) -> bool:
    """True if a quota limits something, of all pods: one with scopes counts some of them only."""
    spec = mapping(one.properties.get("spec"))
    return bool(mapping(spec.get("hard"))) and not items(spec.get("scopes")) and not mapping(spec.get("scopeSelector"))


def _is_default(one: Resource) -> bool:
    return any(limit.get("type") == "Container" for limit in mappings(at(one.properties, "spec", "limits")))


def _room(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    def judged(one: Resource) -> Iterator[Judged]:
        name = f"{one.provider}/{text(at(one.properties, 'metadata', 'name'))}"
        for kind, limits, told in (
            (QUOTA, _is_quota, "that limits all of its pods"),
            (LIMIT_RANGE, _is_default, "of type Container"),
        ):
            if not any(namespace(other) == name and limits(other) for other in resources if other.type == kind):
                yield Violation(f"has no {kind.rpartition(':')[2]} {told}", one)

    yield from each([one for one in resources if one.type == NAMESPACE], judged)


WORST_CASE: Final = StackRule(
    id="SCL-05",
    name="connections-in-the-worst-case",
    severity=Severity.CRITICAL,
    says="With every service at its maximum and every pool full, the database still accepts all connections.",
    why="Otherwise the rush that needs the new instances is what locks all of them out.",
    fix="Lower a service's maximum or its pool, or put a pooler between.",
    source="the product's limits",
    types=(*AUTOSCALERS, CONFIG_MAP, *REPLICATED),
    check=_worst_case,
    tunables=(
        Tunable(
            "databaseConnections", Kind.NUMBER, 200, "connections that a database, or the pooler before it, accepts"
        ),
        Tunable("reserve", Kind.NUMBER, 10, "connections kept for migrations, backups and people"),
        Tunable("poolKey", Kind.TEXT, "DATABASE_POOL_SIZE", "key of the config map with the size of a pool"),
        Tunable("overflowKey", Kind.TEXT, "DATABASE_MAX_OVERFLOW", "key with the connections on top of the pool"),
        Tunable("processesKey", Kind.TEXT, "UVICORN_WORKERS", "key with the processes of an instance"),
    ),
    breaks=(
        Break("config", "/data/DATABASE_POOL_SIZE", "15"),
        Break("config", "/data/UVICORN_WORKERS", "2"),
    ),
)

NAMESPACE_QUOTA: Final = StackRule(
    id="SCL-07",
    name="namespace-quota",
    severity=Severity.MEDIUM,
    says="Every namespace has a quota and defaults for containers.",
    why="A mistake in one namespace otherwise takes the nodes of all the others.",
    fix="Declare a ResourceQuota and a LimitRange that fit the autoscalers' maximum.",
    source="Kyverno, add-ns-quota",
    types=(NAMESPACE, QUOTA, LIMIT_RANGE),
    check=_room,
    breaks=(Break("quota", ""), Break("limit range", "")),
)

AREA: Final = "Capacity"
RULES: Final = (WORST_CASE, NAMESPACE_QUOTA)
