"""Pods that a change renews, and how long that takes at least: a rollout goes in waves, each as long as a start."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from ops.cost.quantities import items, mapping, number, text
from ops.report.data import Restart
from ops.report.events import Change, Json, Object, Operation

ROLLED: Final = ("Deployment", "StatefulSet", "DaemonSet")
SCALERS: Final = ("HorizontalPodAutoscaler", "ScaledObject")
TEMPLATE: Final = "spec.template"
PROBE_PERIOD_SECONDS: Final = 10
"""Default period of a probe (Kubernetes API, Probe)."""
SURGE: Final = "25%"
"""Both of a Deployment's rolling update where nothing is said (Kubernetes API, RollingUpdateDeployment)."""


def restarts(changes: Sequence[Change]) -> list[Restart]:
    """One for each workload whose pods are made anew. Pods are counted at the autoscaler's minimum."""
    least = {
        (one.provider, text(mapping(mapping(one.after.get("spec")).get("scaleTargetRef")).get("name"))): _minimum(one)
        for one in changes
        if one.type.rpartition(":")[2] in SCALERS and one.operation is not Operation.DELETE
    }
    return [_of(one, least) for one in changes if _is_renewed(one)]


def _minimum(scaler: Change) -> float:
    spec = mapping(scaler.after.get("spec"))
    return number(spec.get("minReplicas")) or number(spec.get("minReplicaCount")) or 1


def _is_renewed(change: Change) -> bool:
    if change.type.rpartition(":")[2] not in ROLLED:
        return False
    touched = any(path == TEMPLATE or path.startswith(f"{TEMPLATE}.") for path in change.differing)
    return change.operation is Operation.REPLACE or (change.operation is Operation.UPDATE and touched)


def _of(change: Change, least: Mapping[tuple[str, str], float]) -> Restart:
    spec = mapping(change.after.get("spec"))
    name = text(mapping(change.after.get("metadata")).get("name"))
    replicas = number(spec.get("replicas"))
    pods = math.ceil(least.get((change.provider, name), 1 if replicas is None else replicas))
    at_once = _at_once(change, spec, pods)
    return Restart(
        workload=change.name[:400], pods=pods, seconds=math.ceil(math.ceil(pods / at_once) * _start_seconds(spec))
    )


def _at_once(change: Change, spec: Object, pods: int) -> int:
    """Number of pods that are renewed in one wave; a StatefulSet and a DaemonSet go one by one."""
    if not change.type.endswith(":Deployment"):
        return 1
    strategy = mapping(spec.get("strategy"))
    if strategy.get("type") == "Recreate":
        return max(1, pods)
    rolling = mapping(strategy.get("rollingUpdate"))
    surge = _share(rolling.get("maxSurge", SURGE), pods, math.ceil)
    return max(1, surge + _share(rolling.get("maxUnavailable", SURGE), pods, math.floor))


def _share(amount: Json, pods: int, rounded: object) -> int:
    written = text(amount)
    if written.endswith("%"):
        part = (number(written.removesuffix("%")) or 0) * pods / 100
        return math.ceil(part) if rounded is math.ceil else math.floor(part)
    return int(number(amount) or 0)


def _start_seconds(spec: Object) -> float:
    """From a pod's creation until it counts: its slowest container's probes, then minReadySeconds."""
    pod = mapping(mapping(spec.get("template")).get("spec"))
    waits = [
        sum(_probe_seconds(mapping(one.get(key))) for key in ("startupProbe", "readinessProbe") if one.get(key))
        for one in map(mapping, items(pod.get("containers")))
    ]
    return max(waits, default=0.0) + (number(spec.get("minReadySeconds")) or 0)


def _probe_seconds(probe: Object) -> float:
    period = number(probe.get("periodSeconds"))
    return (number(probe.get("initialDelaySeconds")) or 0) + (PROBE_PERIOD_SECONDS if period is None else period)
