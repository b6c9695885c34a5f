"""The monthly cost of a stack's resources, each by its type; what has no price is named, never counted as nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from ops.cost.book import HOURS_A_MONTH, Book, UnknownPriceError
from ops.report.events import Json, Object

OLDEST_DAYS: Final = 180
CLUSTER: Final = "kubernetes-"
DATABASE: Final = "aws:rds/instance:Instance"
SCALERS: Final = ("HorizontalPodAutoscaler", "ScaledObject")
_MEMORY: Final = {"Ki": 2**-20, "Mi": 2**-10, "Gi": 1.0, "Ti": 2**10}


@dataclass(frozen=True)
class Priced:
    """One resource as it stands before or after a change. ``provider`` tells the region of a cluster's objects."""

    name: str
    type: str
    inputs: Object
    provider: str = ""


@dataclass(frozen=True)
class Estimate:
    """USD a month by resource, with every workload at its minimum; what no price is known for; and what all of it costs
    with every workload at its maximum for the whole month.
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
    """What a price function needs beside the resource: prices, how many pods each workload has, and the regions whose
    database stands in several zones, so that the network around it does too.
    """

    book: Book
    pods: Mapping[tuple[str, str], float]
    several_zones: frozenset[str]


def assumptions(book: Book) -> str:
    """What every estimate takes for granted, in one sentence."""
    assumed = book.assumed
    return (
        f"{HOURS_A_MONTH:g} hours a month; pods at their minimum, by their requests, at Fargate's price; "
        f"{assumed('replica_gb'):g} GB a read replica; {assumed('bucket_gb'):g} GB a bucket; "
        f"{assumed('log_group_gb'):g} GB a log group; "
        f"{assumed('load_balancer_capacity_units'):g} capacity unit a load balancer; a cluster of its own a region: "
        f"control plane, add-ons of {assumed('addon_vcpus'):g} vCPU and {assumed('addon_gb'):g} GB, a NAT gateway "
        f"({assumed('zones'):g} where the database is in several zones) with {assumed('nat_gb'):g} GB, "
        f"{assumed('region_log_gb'):g} GB of logs, {assumed('traffic_out_gb'):g} GB of traffic out, "
        f"{assumed('traffic_between_zones_gb'):g} GB between zones and {assumed('traffic_between_regions_gb'):g} GB "
        "between regions; no language models, no discounts, no tax"
    )


def cost_notes(book: Book, today: date) -> list[str]:
    """What stands below an estimate: what it assumes, and a warning when a price was read too long ago."""
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
    least, unpriced = _costs(all_, Context(book, _pods(all_, "minReplicas", "minReplicaCount"), zones))
    most, _ = _costs(all_, Context(book, _pods(all_, "maxReplicas", "maxReplicaCount"), zones))
    return Estimate(least, unpriced, _budget(all_), sum(most.values()))


def _costs(resources: Iterable[Priced], context: Context) -> tuple[dict[str, float], tuple[str, ...]]:
    costs: dict[str, float] = {}
    unpriced: set[str] = set()
    for one in resources:
        price = _PRICES.get(one.type)
        if price is None:
            if one.type.startswith("aws:") and one.type not in context.book.free:
                unpriced.add(one.type)
            continue
        try:
            costs[one.name] = price(one, context)
        except UnknownPriceError as unknown:
            unpriced.add(str(unknown))
    return costs, tuple(sorted(unpriced))


def region_of(one: Priced) -> str:
    """Of AWS its own property, of a cluster's object the provider's name."""
    if CLUSTER in one.provider:
        return one.provider.partition(CLUSTER)[2].partition("::")[0]
    return _text(one.inputs.get("region"))


def _budget(resources: list[Priced]) -> float | None:
    limits = [_number(one.inputs.get("limitAmount")) for one in resources if one.type == "aws:budgets/budget:Budget"]
    return sum(limits) if limits else None


def _pods(resources: list[Priced], *bounds: str) -> dict[tuple[str, str], float]:
    """How many pods each workload has at one bound of its autoscaler."""
    found = {}
    for one in resources:
        if one.type.rpartition(":")[2] in SCALERS:
            spec = _object(one.inputs.get("spec"))
            target = _text(_object(spec.get("scaleTargetRef")).get("name"))
            found[one.provider, target] = sum(_number(spec.get(bound)) for bound in bounds)
    return found


def _database(one: Priced, context: Context) -> float:
    region, book = region_of(one), context.book
    zones = 2 if one.inputs.get("multiAz") is True else 1
    hourly = book.price(f"rds {_text(one.inputs.get('instanceClass'))}", region)
    # A read replica is as large as its source, which it names by an address.
    size = _number(one.inputs.get("allocatedStorage")) or book.assumed("replica_gb")
    return zones * (hourly * HOURS_A_MONTH + size * book.price("rds gp3", region))


def _cache(one: Priced, context: Context) -> float:
    hourly = context.book.price(f"elasticache {_text(one.inputs.get('nodeType'))}", region_of(one))
    return hourly * HOURS_A_MONTH * (_number(one.inputs.get("numCacheClusters")) or 1)


def _bucket(one: Priced, context: Context) -> float:
    region, book = region_of(one), context.book
    kept = book.price("s3 standard", region) * book.assumed("bucket_gb")
    return kept + book.price("s3 writes", region) * book.assumed("bucket_thousand_writes")


def _health_check(one: Priced, context: Context) -> float:
    options = (one.inputs.get("type") == "HTTPS") + (one.inputs.get("measureLatency") is True)
    return context.book.price("health check", "any") + options * context.book.price("health check option", "any")


def _each(item: str) -> Callable[[Priced, Context], float]:
    def price(one: Priced, context: Context) -> float:
        return context.book.price(item, region_of(one) or "any")

    return price


def _logs(one: Priced, context: Context) -> float:
    return context.book.price("logs", region_of(one)) * context.book.assumed("log_group_gb")


def _gateway(one: Priced, context: Context) -> float:
    region, book = region_of(one), context.book
    units = book.price("load balancer capacity", region) * book.assumed("load_balancer_capacity_units")
    return HOURS_A_MONTH * (book.price("load balancer", region) + units)


def _cluster(one: Priced, context: Context) -> float:
    """What every region needs before the first pod runs: control plane, add-ons, way out, logs and traffic."""
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


def _workload(one: Priced, context: Context) -> float:
    spec, region = _object(one.inputs.get("spec")), region_of(one)
    name = _text(_object(one.inputs.get("metadata")).get("name"))
    pods = context.pods.get((one.provider, name), _number(spec.get("replicas", 1)))
    containers = _objects(_object(_object(spec.get("template")).get("spec")).get("containers"))
    requests = [_object(_object(each.get("resources")).get("requests")) for each in containers]
    cores = sum(_cores(each.get("cpu")) for each in requests)
    memory = sum(_gigabytes(each.get("memory")) for each in requests)
    hourly = cores * context.book.price("fargate vcpu", region) + memory * context.book.price("fargate gb", region)
    volumes = sum(_volume(each) for each in _objects(spec.get("volumeClaimTemplates")))
    return pods * hourly * HOURS_A_MONTH + volumes * context.book.price("ebs gp3", region)


def _volume(claim: Object) -> float:
    resources = _object(_object(claim.get("spec")).get("resources"))
    return _gigabytes(_object(resources.get("requests")).get("storage"))


def _cores(value: Json) -> float:
    text = str(value or 0)
    return _number(text.removesuffix("m")) / 1000 if text.endswith("m") else _number(text)


def _gigabytes(value: Json) -> float:
    found = re.fullmatch(r"([0-9.]+)(Ki|Mi|Gi|Ti)", str(value))
    return float(found[1]) * _MEMORY[found[2]] if found else 0.0


def _number(value: Json) -> float:
    try:
        return float(value) if isinstance(value, int | float | str) else 0.0
    except ValueError:
        return 0.0


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Json) -> Object:
    return value if isinstance(value, dict) else {}


def _objects(value: Json) -> list[Object]:
    return [_object(one) for one in value] if isinstance(value, list) else []


_PRICES: Final[Mapping[str, Callable[[Priced, Context], float]]] = {
    DATABASE: _database,
    "aws:elasticache/replicationGroup:ReplicationGroup": _cache,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:kms/key:Key": _each("kms key"),
    "aws:secretsmanager/secret:Secret": _each("secret"),
    "aws:route53/zone:Zone": _each("hosted zone"),
    "aws:route53/healthCheck:HealthCheck": _health_check,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _each("metric alarm"),
    "aws:cloudwatch/logGroup:LogGroup": _logs,
    "kubernetes:core/v1:Namespace": _cluster,
    "kubernetes:apps/v1:Deployment": _workload,
    "kubernetes:apps/v1:StatefulSet": _workload,
    "kubernetes:gateway.networking.k8s.io/v1:Gateway": _gateway,
}
