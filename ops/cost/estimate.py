"""The monthly cost of a stack's resources, each by its type; what has no price is named, never counted as nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from ops.cost.book import HOURS_A_MONTH, Book, UnknownPriceError
from ops.cost.quantities import GIB, items, mapping, number, text
from ops.cost.workloads import (
    CRON_JOB,
    GPU,
    GPU_LABEL,
    JOB,
    MINUTES,
    POD,
    SCALED,
    UNCOUNTED,
    claimed_gigabytes,
    pod_of,
    pods_at,
    requested,
    runs_a_month,
)
from ops.report.events import Json, Object

OLDEST_DAYS: Final = 180
CLUSTER: Final = "kubernetes-"
DATABASE: Final = "aws:rds/instance:Instance"
FAST_SECONDS: Final = 10


@dataclass(frozen=True)
class Priced:
    """One resource as it stands before or after a change. ``provider`` gives the region of a cluster's objects; without
    a ``urn`` it is identified by type and name.
    """

    name: str
    type: str
    inputs: Object
    provider: str = ""
    urn: str = ""

    @property
    def key(self) -> str:
        """Unique key of a resource: names are shared by a key and a database, for instance."""
        return self.urn or f"{self.type}::{self.name}"


@dataclass(frozen=True)
class Estimate:
    """USD a month by resource's key, with every workload at its minimum; what no price is known for; and what all of it
    costs with every workload at its maximum for the whole month.
    """

    by_resource: Mapping[str, float]
    unpriced: tuple[str, ...]
    budget: float | None
    at_maximum: float

    @property
    def total(self) -> float:
        return sum(self.by_resource.values())


@dataclass(frozen=True)
class Context:
    """Input of a price function beside the resource: prices, the number of pods of each workload, and the regions whose
    database stands in several zones, so that the network around it does too.
    """

    book: Book
    pods: Mapping[tuple[str, str], float]
    several_zones: frozenset[str]


def assumptions(book: Book) -> str:
    """Assumptions of every estimate, in one sentence."""
    assumed = book.assumed
    used = "; ".join(f"{row.amount:g} {row.each}" for row in book.table.prices if row.each)
    return (
        f"{HOURS_A_MONTH:g} hours a month; pods at their minimum, by their requests, at Fargate's price; "
        f"{assumed('replica_gb'):g} GB a read replica; {used}; {assumed('job_minutes'):g} minutes a run of a job; "
        f"{assumed('load_balancer_capacity_units'):g} capacity unit a load balancer; a cluster of its own a region: "
        f"control plane, add-ons of {assumed('addon_vcpus'):g} vCPU and {assumed('addon_gb'):g} GB, a NAT gateway "
        f"({assumed('zones'):g} where the database is in several zones) with {assumed('nat_gb'):g} GB, "
        f"{assumed('region_log_gb'):g} GB of logs, {assumed('traffic_out_gb'):g} GB of traffic out, "
        f"{assumed('traffic_between_zones_gb'):g} GB between zones and {assumed('traffic_between_regions_gb'):g} GB "
        "between regions; no language models, no discounts, no tax"
    )


def cost_notes(book: Book, today: date) -> list[str]:
    """Notes below an estimate: its assumptions, and a warning when a price was read too long ago."""
    notes = [f"Assumed: {assumptions(book)}."]
    age = (today - book.oldest).days
    if age > OLDEST_DAYS:
        fix = "read them again with `contentgen prices --write`"
        notes.append(
            f"**Warning:** prices were read {age} days ago ({book.oldest:%Y-%m}), {OLDEST_DAYS} are allowed; {fix}."
        )
    return notes


def estimate(resources: Iterable[Priced], book: Book) -> Estimate:
    """Prices everything that is declared. Cluster objects other than workloads, volumes and gateways run inside
    what is priced already; a namespace stands for the cluster around it.
    """
    all_ = list(resources)
    zones = frozenset(region_of(one) for one in all_ if one.type == DATABASE and one.inputs.get("multiAz") is True)
    least, unpriced = _costs(all_, Context(book, pods_at(all_, most=False), zones))
    most, _ = _costs(all_, Context(book, pods_at(all_, most=True), zones))
    return Estimate(least, unpriced, _budget(all_), sum(most.values()))


def _costs(resources: Iterable[Priced], context: Context) -> tuple[dict[str, float], tuple[str, ...]]:
    costs: dict[str, float] = {}
    unpriced: set[str] = set()
    for one in resources:
        price = _PRICES.get(one.type, _by_rows if context.book.of(one.type) else None)
        if price is None:
            if one.type in UNCOUNTED:
                unpriced.add(f"{one.type}: {UNCOUNTED[one.type]}")
            elif one.type.startswith("aws:") and one.type not in context.book.free:
                unpriced.add(one.type)
            continue
        try:
            costs[one.key] = price(one, context)
        except UnknownPriceError as unknown:
            unpriced.add(str(unknown))
    return costs, tuple(sorted(unpriced))


def region_of(one: Priced) -> str:
    """Region of a resource: on AWS its own property, of a cluster's object the provider's name."""
    if CLUSTER in one.provider:
        return one.provider.partition(CLUSTER)[2].partition("::")[0]
    return text(one.inputs.get("region"))


def _budget(resources: list[Priced]) -> float | None:
    """Monthly budget of all services: a daily or yearly one is of another time, one of a service of a part."""
    limits = [
        _number(one.inputs.get("limitAmount"))
        for one in resources
        if one.type == "aws:budgets/budget:Budget"
        and one.inputs.get("timeUnit", "MONTHLY") == "MONTHLY"
        and one.inputs.get("budgetType", "COST") == "COST"
    ]
    return sum(limits) if limits else None


def _database(one: Priced, context: Context) -> float:
    region, book = region_of(one), context.book
    zones = 2 if one.inputs.get("multiAz") is True else 1
    hourly = book.price(f"rds {text(one.inputs.get('instanceClass'))}", region)
    # A read replica is as large as its source, which it names by an address.
    size = _number(one.inputs.get("allocatedStorage")) or book.assumed("replica_gb")
    return zones * (hourly * HOURS_A_MONTH + size * book.price("rds gp3", region))


def _cache(one: Priced, context: Context) -> float:
    hourly = context.book.price(f"elasticache {text(one.inputs.get('nodeType'))}", region_of(one))
    shards = _number(one.inputs.get("numNodeGroups"))
    in_shards = shards * (1 + _number(one.inputs.get("replicasPerNodeGroup")))
    return hourly * HOURS_A_MONTH * (in_shards or _number(one.inputs.get("numCacheClusters")) or 1)


def _health_check(one: Priced, context: Context) -> float:
    """HTTPS, a text that is looked for, ten seconds instead of thirty, latency: each is paid for (Route 53 pricing)."""
    kind = text(one.inputs.get("type"))
    asked = ("HTTPS" in kind, "STR_MATCH" in kind, _number(one.inputs.get("requestInterval")) == FAST_SECONDS)
    options = sum(asked) + (one.inputs.get("measureLatency") is True)
    return context.book.price("health check", "any") + options * context.book.price("health check option", "any")


def _by_rows(one: Priced, context: Context) -> float:
    """A type that the table alone prices."""
    rows = context.book.of(one.type)
    return sum(context.book.price(row.item, region_of(one) or "any") * row.amount for row in rows)


def _gateway(one: Priced, context: Context) -> float:
    region, book = region_of(one), context.book
    units = book.price("load balancer capacity", region) * book.assumed("load_balancer_capacity_units")
    return HOURS_A_MONTH * (book.price("load balancer", region) + units)


def _cluster(one: Priced, context: Context) -> float:
    """Fixed cost of every region before the first pod runs: control plane, add-ons, NAT, logs and traffic."""
    region, book = region_of(one), context.book
    addons = book.assumed("addon_vcpus") * book.price("fargate vcpu", region)
    addons += book.assumed("addon_gb") * book.price("fargate gb", region)
    gateways = book.assumed("zones") if region in context.several_zones else 1
    hourly = book.price("eks cluster", region) + addons + gateways * book.price("nat gateway", region)
    monthly = {
        "logs": "region_log_gb",
        "nat data": "nat_gb",
        "traffic out": "traffic_out_gb",
        "traffic between zones": "traffic_between_zones_gb",
        "traffic between regions": "traffic_between_regions_gb",
    }
    used = sum(book.price(item, region) * book.assumed(amount) for item, amount in monthly.items())
    return HOURS_A_MONTH * hourly + used


def _service(one: Priced, context: Context) -> float:
    """An address inside the cluster costs nothing; a load balancer what the edge's does."""
    is_balancer = mapping(one.inputs.get("spec")).get("type") == "LoadBalancer"
    return _gateway(one, context) if is_balancer else 0.0


def _workload(one: Priced, context: Context) -> float:
    spec, region = mapping(one.inputs.get("spec")), region_of(one)
    name = text(mapping(one.inputs.get("metadata")).get("name"))
    replicas = number(spec.get("replicas"))
    pods = context.pods.get((one.provider, name), 1.0 if replicas is None else replicas)
    volumes = sum(claimed_gigabytes(mapping(each)) for each in items(spec.get("volumeClaimTemplates")))
    storage = volumes * context.book.price("ebs gp3", region) if volumes else 0.0
    return pods * (HOURS_A_MONTH * _hourly(one, context) + storage)


def _hourly(one: Priced, context: Context) -> float:
    """One pod, by what it asks for; with GPUs it has nodes of its own."""
    pod, region = pod_of(one), region_of(one)
    gpus = requested(pod, GPU)
    if gpus:
        return gpus * context.book.price(f"gpu node {text(mapping(pod.get('nodeSelector')).get(GPU_LABEL))}", region)
    cores, gigabytes = requested(pod, "cpu"), requested(pod, "memory") / GIB
    return cores * context.book.price("fargate vcpu", region) + gigabytes * context.book.price("fargate gb", region)


def _job(one: Priced, context: Context) -> float:
    """Runs of a month, each as long as is assumed; a job without a schedule runs once."""
    spec = mapping(one.inputs.get("spec"))
    runs = runs_a_month(text(spec.get("schedule"))) if one.type == CRON_JOB else 1.0
    runs = 0.0 if spec.get("suspend") is True else runs
    return runs * context.book.assumed("job_minutes") / MINUTES * _hourly(one, context)


def _claim(one: Priced, context: Context) -> float:
    return claimed_gigabytes(one.inputs) * context.book.price("ebs gp3", region_of(one))


def _number(value: Json) -> float:
    return number(value) or 0.0


_PRICES: Final[Mapping[str, Callable[[Priced, Context], float]]] = {
    DATABASE: _database,
    "aws:elasticache/replicationGroup:ReplicationGroup": _cache,
    "aws:route53/healthCheck:HealthCheck": _health_check,
    "kubernetes:core/v1:Namespace": _cluster,
    **dict.fromkeys((*SCALED, POD), _workload),
    **dict.fromkeys((CRON_JOB, JOB), _job),
    "kubernetes:core/v1:PersistentVolumeClaim": _claim,
    "kubernetes:core/v1:Service": _service,
    "kubernetes:gateway.networking.k8s.io/v1:Gateway": _gateway,
}
