"""Rules of resilience: several instances apart from each other, honest probes, a stop that loses nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from pulumi_policy import Severity

from policies.pods import (
    CRON_JOB,
    DEPLOYMENT,
    POD_TYPES,
    ROLLOUT,
    namespace,
    object_name,
    pod,
    pod_labels,
    selects,
)
from policies.reading import Properties, Value, at, mapping, mappings, number, quantity, shown, text
from policies.remedies import never_overlapping
from policies.rule import Break, Judged, Resource, ResourceRule, StackRule, Violation, each
from policies.rules.scale import AUTOSCALERS, MEASURED, SCALED_OBJECT, target
from policies.tunables import Kind, Settings, Tunable

BUDGET: Final = "kubernetes:policy/v1:PodDisruptionBudget"
SHORTEST_DEADLINE_SECONDS: Final = 10
"""The controller looks every ten seconds, and takes a run for missed before (Kubernetes, CronJob limitations)."""
POD: Final = "/spec/template/spec"


def _several(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    least = settings.number("least")
    budgets = [one for one in resources if one.type == BUDGET]
    scalers = [one for one in resources if one.type in AUTOSCALERS]

    def judged(one: Resource) -> Iterator[Judged]:
        name = object_name(one)
        own = number(at(one.properties, "spec", "replicas"))
        mine = [other for other in scalers if (namespace(other), target(other)) == (namespace(one), name)]
        minimum = _minimum(mine[-1]) if mine else own
        spared = name in settings.texts("single") or (name in settings.texts("idle") and any(map(_wakes, mine[-1:])))
        if (minimum is None or minimum < least) and not spared:
            yield Violation(f"its minimum number of instances is {shown(minimum)}; it must be {least:g} or more", one)
        covering = [budget for budget in budgets if _covers(budget, one)]
        if not covering:
            yield Violation("no PodDisruptionBudget covers its pods, so a drain may take all of them at once", one)
        for budget in covering:
            yield from (Violation(wrong, budget) for wrong in _drainable(budget, minimum or 1))

    yield from each([one for one in resources if one.type in (DEPLOYMENT, ROLLOUT)], judged)


def _minimum(autoscaler: Resource) -> float | None:
    key = "minReplicaCount" if autoscaler.type == SCALED_OBJECT else "minReplicas"
    return number(at(autoscaler.properties, "spec", key))


def _wakes(autoscaler: Resource) -> bool:
    """True if KEDA keeps one instance at least, and a trigger of another kind than a pod's own use brings more."""
    triggers = {text(one.get("type")) for one in mappings(at(autoscaler.properties, "spec", "triggers"))}
    return autoscaler.type == SCALED_OBJECT and (_minimum(autoscaler) or 0) >= 1 and bool(triggers - set(MEASURED))


def _covers(budget: Resource, workload: Resource) -> bool:
    selector = mapping(at(budget.properties, "spec", "selector"))
    chosen = any(selector.values()) and selects(selector, pod_labels(workload))
    return chosen and namespace(budget) == namespace(workload)


def _drainable(budget: Resource, minimum: float) -> Iterator[str]:
    """The disruption controller rounds both percentages up."""
    spec = mapping(budget.properties.get("spec"))
    unavailable, available = spec.get("maxUnavailable"), spec.get("minAvailable")
    if unavailable is None and available is None:
        yield "states neither maxUnavailable nor minAvailable"
    elif unavailable is not None and _of(unavailable, minimum) == 0:
        yield "allows no eviction, so nodes cannot be drained"
    elif available is not None and _of(available, minimum) >= minimum:
        yield f"minAvailable {shown(available)} of {minimum:g} instances allows no eviction"


def _of(amount: Value, instances: float) -> float:
    """So many of the instances: a number, or a percentage rounded up."""
    written = text(amount)
    if written.endswith("%"):
        return math.ceil((number(written.removesuffix("%")) or 0) * instances / 100)
    return number(amount) or 0


def _apart(resource: Resource, settings: Settings) -> Iterator[str]:
    spec, labels = pod(resource), pod_labels(resource)
    against = mapping(at(spec, "affinity", "podAntiAffinity"))
    terms = [
        *mappings(against.get("requiredDuringSchedulingIgnoredDuringExecution")),
        *(
            mapping(one.get("podAffinityTerm"))
            for one in mappings(against.get("preferredDuringSchedulingIgnoredDuringExecution"))
        ),
        *mappings(spec.get("topologySpreadConstraints")),
    ]
    spreads = mappings(spec.get("topologySpreadConstraints"))
    if "kubernetes.io/hostname" not in _keys(terms, labels):
        yield "has no podAntiAffinity by host, so its pods may share one node"
    if "topology.kubernetes.io/zone" not in _keys(spreads, labels):
        yield "has no topologySpreadConstraints by zone, so its pods may share one zone"
    if at(resource.properties, "spec", "strategy", "type") == "Recreate":
        # All pods go before the first new one comes, as a program needs that must not run twice.
        return
    unavailable = at(resource.properties, "spec", "strategy", "rollingUpdate", "maxUnavailable")
    if number(unavailable) != 0 and unavailable != "0%":
        yield f"a rollout may take {shown(unavailable)} pods away before new ones serve; allowed is 0"


def _keys(terms: Sequence[Properties], labels: Properties) -> set[str]:
    """The topologies of those terms that are about pods with these labels."""
    return {
        text(one.get("topologyKey"))
        for one in terms
        if any(mapping(one.get("labelSelector")).values()) and selects(mapping(one.get("labelSelector")), labels)
    }


def _scheduled(resource: Resource, settings: Settings) -> Iterator[str]:
    spec = mapping(resource.properties.get("spec"))
    if spec.get("concurrencyPolicy") != "Forbid":
        yield f"concurrencyPolicy is {shown(spec.get('concurrencyPolicy'))}; allowed is Forbid"
    if not number(spec.get("failedJobsHistoryLimit")):
        yield f"failedJobsHistoryLimit is {shown(spec.get('failedJobsHistoryLimit'))}; state it"
    deadline = number(spec.get("startingDeadlineSeconds"))
    if deadline is None or deadline < SHORTEST_DEADLINE_SECONDS:
        told = f"it must be {SHORTEST_DEADLINE_SECONDS} or more, or a run may never start"
        yield f"startingDeadlineSeconds is {shown(deadline)}; {told}"
    if not text(spec.get("timeZone")):
        yield "timeZone is absent, so the hour is the control plane's"
    of_job, of_pod = (
        at(spec, "jobTemplate", "spec", "activeDeadlineSeconds"),
        pod(resource).get("activeDeadlineSeconds"),
    )
    if not number(of_job) and not number(of_pod):
        yield "activeDeadlineSeconds is absent: a hung run blocks all that follow"


def _bounded_temporary(resource: Resource, settings: Settings) -> Iterator[str]:
    for volume in mappings(pod(resource).get("volumes")):
        empty = volume.get("emptyDir")
        if empty is not None and not quantity(mapping(empty).get("sizeLimit")):
            yield f"volume {text(volume.get('name'))} has no sizeLimit, so one pod can fill the machine's disk"


SEVERAL: Final = StackRule(
    id="RES-01",
    name="several-instances",
    severity=Severity.HIGH,
    says="Services keep two instances or more, and a drain takes one at a time.",
    why="One instance is an outage at every rollout and every lost machine.",
    fix="Raise the autoscaler's minimum, and declare a PodDisruptionBudget that lets one go.",
    source="kube-score; Kyverno, require-pdb and pdb-minavailable",
    types=(DEPLOYMENT, ROLLOUT, BUDGET, *AUTOSCALERS),
    check=_several,
    tunables=(
        Tunable("least", Kind.NUMBER, 2, "fewest instances of a service"),
        Tunable("single", Kind.TEXTS, [], "Deployments that may be fewer, because they wait for work"),
        Tunable("idle", Kind.TEXTS, [], "Deployments that may be one without requests, if a ScaledObject brings more"),
    ),
    breaks=(
        Break("autoscaler", "/spec/minReplicas", 1),
        Break("autoscaler", "/spec/minReplicas"),
        Break("disruption budget", ""),
        Break("disruption budget", "/spec/maxUnavailable", 0),
        Break("disruption budget", "/spec/maxUnavailable"),
        Break("disruption budget", "/spec/selector"),
    ),
)

APART: Final = ResourceRule(
    id="RES-02",
    name="spread",
    severity=Severity.MEDIUM,
    says="Instances run on different machines and in different zones, and a rollout takes none away first.",
    why="Two instances on one machine are one instance.",
    fix="Set podAntiAffinity by host, a spread by zone, and maxUnavailable 0.",
    source="kube-score, deployment-has-host-podantiaffinity",
    types=(DEPLOYMENT,),
    check=_apart,
    breaks=(
        Break("deployment", f"{POD}/affinity"),
        Break("deployment", f"{POD}/topologySpreadConstraints"),
        Break("deployment", "/spec/strategy/rollingUpdate/maxUnavailable", 1),
        Break("deployment", "/spec/strategy"),
    ),
)

SCHEDULED: Final = ResourceRule(
    id="RES-04",
    name="scheduled-jobs",
    severity=Severity.HIGH,
    says="Jobs by the clock never overlap, end, and leave their failures to be seen.",
    why="A backup that hangs once and blocks every later one is found when it is needed.",
    fix="Set Forbid, deadlines, history and the time zone.",
    source="kube-score, cronjob-has-deadline",
    types=(CRON_JOB,),
    check=_scheduled,
    remedy=never_overlapping,
    breaks=(
        Break("backup", "/spec/concurrencyPolicy", "Allow"),
        Break("backup", "/spec/concurrencyPolicy"),
        Break("backup", "/spec/startingDeadlineSeconds"),
        Break("backup", "/spec/failedJobsHistoryLimit", 0),
        Break("backup", "/spec/timeZone"),
        Break("backup", "/spec/jobTemplate/spec/activeDeadlineSeconds"),
    ),
)

TEMPORARY: Final = ResourceRule(
    id="SCL-06b",
    name="bounded-temporary-files",
    severity=Severity.LOW,
    says="Temporary volumes have a size.",
    why="One pod with a leak otherwise fills the machine's disk for all of them.",
    fix="Set emptyDir.sizeLimit.",
    source="kube-score, container-ephemeral-storage",
    types=POD_TYPES,
    of_parts=True,
    check=_bounded_temporary,
    breaks=(
        Break("deployment", f"{POD}/volumes/0/emptyDir/sizeLimit"),
        Break("deployment", f"{POD}/volumes/0/emptyDir", {}),
    ),
)

AREA: Final = "Resilience"
RULES: Final = (SEVERAL, APART, SCHEDULED, TEMPORARY)
