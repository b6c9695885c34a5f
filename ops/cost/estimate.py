"""The monthly cost of a stack's resources, each by its type; what has no price is named, never counted as nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ops.cost.book import HOURS_A_MONTH, Book, UnknownPriceError
from ops.report.events import Json, Object

CLUSTER: Final = "kubernetes-"
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
    """USD a month by resource; what no price is known for; what the estimate assumes."""

    by_resource: Mapping[str, float]
    unpriced: tuple[str, ...]
    budget: float | None

    @property
    def total(self) -> float:
        return sum(self.by_resource.values())


@dataclass(frozen=True)
class Context:
    """What a price function needs beside the resource: prices, and how many pods each workload keeps."""

    book: Book
    minimum: Mapping[tuple[str, str], float]


def assumptions(book: Book) -> str:
    """What every estimate takes for granted, in one sentence."""
    assumed = book.assumed
    return (
        f"{HOURS_A_MONTH:g} hours a month; pods at their minimum, by their requests, at Fargate's price; "
        f"{assumed('replica_gb'):g} GB a read replica; {assumed('bucket_gb'):g} GB a bucket; "
        f"{assumed('log_group_gb'):g} GB a log group; "
        f"{assumed('load_balancer_capacity_units'):g} capacity unit a load balancer; no traffic, no discounts, no tax"
    )


def estimate(resources: Iterable[Priced], book: Book) -> Estimate:
    """Prices everything that is declared. Cluster objects other than workloads, volumes and gateways run inside
    what is priced already.
    """
    all_ = list(resources)
    context = Context(book, _minimums(all_))
    costs: dict[str, float] = {}
    unpriced: set[str] = set()
    for one in all_:
        price = _PRICES.get(one.type)
        if price is None:
            if one.type.startswith("aws:") and one.type not in book.free:
                unpriced.add(one.type)
            continue
        try:
            costs[one.name] = price(one, context)
        except UnknownPriceError as unknown:
            unpriced.add(str(unknown))
    return Estimate(costs, tuple(sorted(unpriced)), _budget(all_))


def region_of(one: Priced) -> str:
    """Of AWS its own property, of a cluster's object the provider's name."""
    if CLUSTER in one.provider:
        return one.provider.partition(CLUSTER)[2].partition("::")[0]
    return _text(one.inputs.get("region"))


def _budget(resources: list[Priced]) -> float | None:
    limits = [_number(one.inputs.get("limitAmount")) for one in resources if one.type == "aws:budgets/budget:Budget"]
    return sum(limits) if limits else None


def _minimums(resources: list[Priced]) -> dict[tuple[str, str], float]:
    found = {}
    for one in resources:
        if one.type.rpartition(":")[2] in SCALERS:
            spec = _object(one.inputs.get("spec"))
            target = _text(_object(spec.get("scaleTargetRef")).get("name"))
            found[one.provider, target] = _number(spec.get("minReplicas", spec.get("minReplicaCount")))
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


def _workload(one: Priced, context: Context) -> float:
    spec, region = _object(one.inputs.get("spec")), region_of(one)
    name = _text(_object(one.inputs.get("metadata")).get("name"))
    pods = context.minimum.get((one.provider, name), _number(spec.get("replicas", 1)))
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
    "aws:rds/instance:Instance": _database,
    "aws:elasticache/replicationGroup:ReplicationGroup": _cache,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:kms/key:Key": _each("kms key"),
    "aws:secretsmanager/secret:Secret": _each("secret"),
    "aws:route53/zone:Zone": _each("hosted zone"),
    "aws:route53/healthCheck:HealthCheck": _health_check,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _each("metric alarm"),
    "aws:cloudwatch/logGroup:LogGroup": _logs,
    "kubernetes:apps/v1:Deployment": _workload,
    "kubernetes:apps/v1:StatefulSet": _workload,
    "kubernetes:gateway.networking.k8s.io/v1:Gateway": _gateway,
}
