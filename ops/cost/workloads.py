"""Billable amounts of a cluster: pods of each workload, cores, memory, volumes, job runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from ops.cost.book import UnknownPriceError
from ops.cost.quantities import GIB, items, mapping, number, quantity, text
from ops.report.events import Json, Object

SCALERS: Final = ("HorizontalPodAutoscaler", "ScaledObject")
SCALED: Final = (
    "kubernetes:apps/v1:Deployment",
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:apps/v1:ReplicaSet",
    "kubernetes:core/v1:ReplicationController",
    "kubernetes:argoproj.io/v1alpha1:Rollout",
)
"""Kinds with a number of pods, which their autoscaler may own."""
POD: Final = "kubernetes:core/v1:Pod"
JOB: Final = "kubernetes:batch/v1:Job"
CRON_JOB: Final = "kubernetes:batch/v1:CronJob"
UNCOUNTED: Final[Mapping[str, str]] = {
    "kubernetes:apps/v1:DaemonSet": "a pod a node, and the stack declares no nodes",
    "kubernetes:helm.sh/v3:Release": "its objects are not shown",
    "kubernetes:keda.sh/v1alpha1:ScaledJob": "as many jobs as there is work",
    "kubernetes:serving.knative.dev/v1:Service": "as many pods as there are requests",
}
"""Kinds whose cost cannot be derived from the declaration, and why."""
GPU: Final = "nvidia.com/gpu"
GPU_LABEL: Final = "gpu"
"""Resource of a pod with GPUs, and the label by which it chooses the nodes that have them."""
MINUTES: Final = 60
HOURS: Final = 24
DAYS_A_MONTH: Final = 365 / 12


class Declared(Protocol):
    """One resource: its type, its inputs, and the provider, which gives its cluster."""

    @property
    def type(self) -> str: ...
    @property
    def inputs(self) -> Object: ...
    @property
    def provider(self) -> str: ...


def pods_at(resources: Iterable[Declared], *, most: bool) -> dict[tuple[str, str], float]:
    """Number of pods of each workload with an autoscaler at one of its bounds."""
    found = {}
    for one in resources:
        kind = one.type.rpartition(":")[2]
        if kind in SCALERS:
            spec = mapping(one.inputs.get("spec"))
            target = text(mapping(spec.get("scaleTargetRef")).get("name"))
            found[one.provider, target] = _bound(spec, kind, most=most)
    return found


def _bound(spec: Object, kind: str, *, most: bool) -> float:
    """Bound of an autoscaler; Kubernetes' default is one pod, KEDA's none at the least and a hundred at the most."""
    if kind == "ScaledObject":
        value = number(spec.get("maxReplicaCount" if most else "minReplicaCount"))
        return (100.0 if most else 0.0) if value is None else value
    value = number(spec.get("maxReplicas" if most else "minReplicas"))
    return 1.0 if value is None else value


def pod_of(one: Declared) -> Object:
    """The pod's spec of any kind that has one."""
    if one.type == POD:
        return mapping(one.inputs.get("spec"))
    spec = mapping(one.inputs.get("spec"))
    if one.type == CRON_JOB:
        spec = mapping(mapping(spec.get("jobTemplate")).get("spec"))
    return mapping(mapping(spec.get("template")).get("spec"))


def requested(pod: Object, what: str) -> float:
    """Cores or bytes that a pod asks for: all containers together, or the largest that runs first, or the pod's own.

    Raises UnknownPriceError for an amount that is none.
    """
    own = _request(pod, what)
    if own is not None:
        return own
    together = sum(_request(one, what) or 0 for one in map(mapping, items(pod.get("containers"))))
    first = [_request(one, what) or 0 for one in map(mapping, items(pod.get("initContainers")))]
    return max([together, *first])


def _request(holder: Object, what: str) -> float | None:
    """Resource request of a container; a limit without a request counts as one (Kubernetes, resource management)."""
    resources = mapping(holder.get("resources"))
    for side in ("requests", "limits"):
        written = mapping(resources.get(side)).get(what)
        if written is not None:
            return amount(written, what)
    return None


def amount(written: Json, what: str) -> float:
    """A quantity. Raises UnknownPriceError with what it was to be."""
    found = quantity(written)
    if found is None:
        raise UnknownPriceError(f"{what} {str(written)[:40]!r}")
    return found


def claimed_gigabytes(claim: Object) -> float:
    """The size of a volume that is asked for, in GiB. Raises UnknownPriceError for one that says nothing."""
    requests = mapping(mapping(mapping(claim.get("spec")).get("resources")).get("requests"))
    return amount(requests.get("storage"), "storage") / GIB


def runs_a_month(schedule: str) -> float:
    """Runs a month of a schedule of five fields. Raises UnknownPriceError for one that cannot be read."""
    fields = schedule.split()
    if schedule.startswith("@"):
        named = {"@hourly": 24.0, "@daily": 1.0, "@midnight": 1.0, "@weekly": 1 / 7, "@monthly": 1 / DAYS_A_MONTH}
        if schedule in named:
            return named[schedule] * DAYS_A_MONTH
        raise UnknownPriceError(f"schedule {schedule[:40]!r}")
    if len(fields) != 5:
        raise UnknownPriceError(f"schedule {schedule[:40]!r}")
    minute, hour, day, month, weekday = (
        _share(field, size) for field, size in zip(fields, (MINUTES, HOURS, 31, 12, 7), strict=True)
    )
    a_day = minute * MINUTES * hour * HOURS
    # With both a day and a weekday a run is due on either (crontab, section 5).
    of_days = min(1.0, day + weekday) if day < 1 and weekday < 1 else day * weekday
    return a_day * of_days * month * DAYS_A_MONTH


def _share(field: str, size: int) -> float:
    """Share of its values that a field of a schedule chooses."""
    chosen = 0.0
    for part in field.split(","):
        values, _, step = part.partition("/")
        first, _, last = values.partition("-")
        if values == "*":
            count = float(size)
        elif last:
            count = (number(last) or 0) - (number(first) or 0) + 1
        else:
            count = float(size) if step else 1.0
        chosen += count / (number(step) or 1)
    return min(1.0, chosen / size)
