"""What survives: several instances apart from each other, honest probes, a stop that loses nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pulumi_policy import Severity

from policies.pods import CRON_JOB, DEPLOYMENT, SERVING, namespace, object_name, pod, selects, serving, template
from policies.reading import Properties, at, items, mapping, mappings, number, quantity, shown, text
from policies.remedies import never_overlapping
from policies.rule import Break, Resource, ResourceRule, StackRule, Violation
from policies.rules.scale import AUTOSCALERS, SCALED_OBJECT, target
from policies.tunables import Kind, Settings, Tunable

BUDGET: Final = "kubernetes:policy/v1:PodDisruptionBudget"
PROBES: Final = ("startupProbe", "readinessProbe", "livenessProbe")
POD: Final = "/spec/template/spec"
CONTAINER: Final = f"{POD}/containers/0"


def _several(resources: Sequence[Resource], settings: Settings) -> Iterator[Violation]:
    least = settings.number("least")
    budgets = [one for one in resources if one.type == BUDGET]
    lowest = {(namespace(one), target(one)): _minimum(one) for one in resources if one.type in AUTOSCALERS}
    for one in resources:
        if one.type != DEPLOYMENT:
            continue
        own = number(at(one.properties, "spec", "replicas"))
        minimum = lowest.get((namespace(one), object_name(one)), own)
        if (minimum is None or minimum < least) and object_name(one) not in settings.texts("single"):
            yield Violation(f"its least number of instances is {shown(minimum)}; it must be {least:g} or more", one)
        labels = mapping(at(template(one), "metadata", "labels"))
        mine = [budget for budget in budgets if _covers(budget, one, labels)]
        if not mine:
            yield Violation("no PodDisruptionBudget covers its pods, so a drain may take all of them at once", one)
        for budget in mine:
            yield from (Violation(wrong, budget) for wrong in _drainable(budget, minimum or 1))


def _minimum(autoscaler: Resource) -> float | None:
    key = "minReplicaCount" if autoscaler.type == SCALED_OBJECT else "minReplicas"
    return number(at(autoscaler.properties, "spec", key))


def _covers(budget: Resource, workload: Resource, labels: Properties) -> bool:
    selector = mapping(at(budget.properties, "spec", "selector"))
    return bool(selector) and namespace(budget) == namespace(workload) and selects(selector, labels)


def _drainable(budget: Resource, minimum: float) -> Iterator[str]:
    spec = mapping(budget.properties.get("spec"))
    unavailable, available = spec.get("maxUnavailable"), number(spec.get("minAvailable"))
    if unavailable in (0, "0", "0%") or spec.get("minAvailable") == "100%":
        yield "lets no pod go, so no node can ever be drained"
    elif available is not None and available >= minimum:
        yield f"minAvailable {available:g} of {minimum:g} instances lets no pod go"
    elif unavailable is None and spec.get("minAvailable") is None:
        yield "states neither maxUnavailable nor minAvailable"


def _apart(resource: Resource, settings: Settings) -> Iterator[str]:
    spec = pod(resource)
    against = mapping(at(spec, "affinity", "podAntiAffinity"))
    terms = [
        *mappings(against.get("requiredDuringSchedulingIgnoredDuringExecution")),
        *(
            mapping(one.get("podAffinityTerm"))
            for one in mappings(against.get("preferredDuringSchedulingIgnoredDuringExecution"))
        ),
    ]
    keys = {text(one.get("topologyKey")) for one in mappings(spec.get("topologySpreadConstraints"))}
    if "kubernetes.io/hostname" not in {text(one.get("topologyKey")) for one in terms} | keys:
        yield "nothing keeps its pods on different machines"
    if "topology.kubernetes.io/zone" not in keys:
        yield "nothing spreads its pods over zones"
    unavailable = at(resource.properties, "spec", "strategy", "rollingUpdate", "maxUnavailable")
    if number(unavailable) != 0 and unavailable != "0%":
        yield f"a rollout may take {shown(unavailable)} pods away before new ones serve; allowed is 0"


def _graceful(resource: Resource, settings: Settings) -> Iterator[str]:
    least, drain = settings.number("preStopSeconds"), settings.number("drainSeconds")
    longest = 0.0
    for name, container in serving(resource):
        if not items(container.get("ports")):
            continue
        hook = mapping(at(container, "lifecycle", "preStop"))
        seconds = _pause(hook)
        if seconds is None and not mapping(hook.get("exec")):
            yield f"{name} has no preStop; requests still come while it stops"
        elif seconds is not None and seconds < least:
            yield f"{name} sleeps {seconds:g} s before it stops; load balancers need {least:g}"
        longest = max(longest, seconds or 0)
    grace = number(pod(resource).get("terminationGracePeriodSeconds"))
    if grace is None or grace < longest + drain:
        told = "terminationGracePeriodSeconds is"
        yield f"{told} {shown(grace)}; it must be {longest + drain:g} or more, or work is cut off"


def _pause(hook: Properties) -> float | None:
    """How long a hook waits: by the cluster itself, or by the program sleep; None for what cannot be told."""
    command = [text(word) for word in items(at(hook, "exec", "command"))]
    if len(command) == 2 and command[0] == "sleep" and command[1].isdigit():
        return float(command[1])
    return number(at(hook, "sleep", "seconds"))


def _probed(resource: Resource, settings: Settings) -> Iterator[str]:
    for name, container in serving(resource):
        for key in PROBES:
            if not mapping(container.get(key)):
                yield f"{name} has no {key}"
        ready = text(at(container, "readinessProbe", "httpGet", "path"))
        alive = text(at(container, "livenessProbe", "httpGet", "path"))
        if ready and ready == alive:
            yield f"{name}: liveness and readiness both ask {alive}; a lost database would restart every pod"


def _scheduled(resource: Resource, settings: Settings) -> Iterator[str]:
    spec = mapping(resource.properties.get("spec"))
    if spec.get("concurrencyPolicy") != "Forbid":
        yield f"concurrencyPolicy is {shown(spec.get('concurrencyPolicy'))}; allowed is Forbid"
    for key in ("startingDeadlineSeconds", "failedJobsHistoryLimit"):
        if not number(spec.get(key)):
            yield f"{key} is {shown(spec.get(key))}; state it"
    if not text(spec.get("timeZone")):
        yield "timeZone is absent, so the hour is the control plane's"
    if not number(at(spec, "jobTemplate", "spec", "activeDeadlineSeconds")):
        yield "activeDeadlineSeconds is absent: a hung run blocks all that follow"


def _bounded_temporary(resource: Resource, settings: Settings) -> Iterator[str]:
    for volume in mappings(pod(resource).get("volumes")):
        empty = volume.get("emptyDir")
        if empty is not None and quantity(mapping(empty).get("sizeLimit")) is None:
            yield f"volume {text(volume.get('name'))} has no sizeLimit, so one pod can fill the machine's disk"


SEVERAL: Final = StackRule(
    id="RES-01",
    name="several-instances",
    severity=Severity.HIGH,
    says="Services keep two instances or more, and a drain takes one at a time.",
    why="One instance is an outage at every rollout and every lost machine.",
    fix="Raise the autoscaler's minimum, and declare a PodDisruptionBudget that lets one go.",
    source="kube-score; Kyverno, require-pdb and pdb-minavailable",
    types=(DEPLOYMENT, BUDGET, *AUTOSCALERS),
    check=_several,
    tunables=(
        Tunable("least", Kind.NUMBER, 2, "fewest instances of a service"),
        Tunable("single", Kind.TEXTS, [], "Deployments that may be fewer, because they wait for work"),
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

GRACEFUL: Final = ResourceRule(
    id="RES-03",
    name="graceful-stop",
    severity=Severity.MEDIUM,
    says="A stopping instance first lets load balancers turn away, then finishes its work.",
    why="Otherwise every rollout answers some requests with an error.",
    fix="Sleep in preStop, and give terminationGracePeriodSeconds for that and the work.",
    source="Kubernetes, pod lifecycle",
    types=(DEPLOYMENT,),
    check=_graceful,
    tunables=(
        Tunable("preStopSeconds", Kind.NUMBER, 5, "shortest sleep before a stop"),
        Tunable("drainSeconds", Kind.NUMBER, 25, "time that work under way needs"),
    ),
    breaks=(
        Break("deployment", f"{CONTAINER}/lifecycle"),
        Break("deployment", f"{CONTAINER}/lifecycle/preStop/sleep/seconds", 1),
        Break("deployment", f"{CONTAINER}/lifecycle/preStop", {"exec": {"command": ["sleep", "1"]}}),
        Break("deployment", f"{POD}/terminationGracePeriodSeconds", 10),
        Break("deployment", f"{POD}/terminationGracePeriodSeconds"),
    ),
)

PROBED: Final = ResourceRule(
    id="WRK-07",
    name="probes",
    severity=Severity.HIGH,
    says="Long-running containers have three probes, and liveness asks something else than readiness.",
    why="Without readiness traffic goes to what cannot answer; with the same question an outage of the database "
    "becomes a storm of restarts.",
    fix="Ask the process alone for liveness and startup, and what it needs for readiness.",
    source="Checkov CKV_K8S_8, CKV_K8S_9; kube-score, pod-probes",
    types=SERVING,
    check=_probed,
    breaks=(
        Break("deployment", f"{CONTAINER}/livenessProbe"),
        Break("deployment", f"{CONTAINER}/readinessProbe"),
        Break("deployment", f"{CONTAINER}/startupProbe"),
        Break("deployment", f"{CONTAINER}/livenessProbe/httpGet/path", "/ready"),
        Break("store", f"{CONTAINER}/readinessProbe"),
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
    types=(*SERVING, CRON_JOB),
    check=_bounded_temporary,
    breaks=(
        Break("deployment", f"{POD}/volumes/0/emptyDir/sizeLimit"),
        Break("deployment", f"{POD}/volumes/0/emptyDir", {}),
    ),
)

RULES: Final = (SEVERAL, APART, GRACEFUL, PROBED, SCHEDULED, TEMPORARY)
