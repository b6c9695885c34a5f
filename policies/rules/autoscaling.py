"""Autoscalers: one owner of the number of instances, that acts early and takes away slowly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pulumi_policy import Severity

from policies.pods import DEPLOYMENT, REPLICA_SET, ROLLOUT, STATEFUL_SET, namespace, object_name
from policies.reading import at, mapping, mappings, number, shown, text
from policies.rule import Break, Judged, Resource, ResourceRule, StackRule, Violation, each
from policies.rules.scale import AUTOSCALERS, MEASURED, OLD_AUTOSCALER, SCALED_OBJECT, target
from policies.tunables import Kind, Settings, Tunable

SCALED: Final = (DEPLOYMENT, STATEFUL_SET, REPLICA_SET, ROLLOUT)
SCALED_KINDS: Final = tuple(one.rpartition(":")[2] for one in SCALED)


def _behaviour(resource: Resource, settings: Settings) -> Iterator[str]:
    """One that scales on a queue or another figure of its own needs no target for CPU and memory besides."""
    most = {"cpu": settings.number("cpuPercent"), "memory": settings.number("memoryPercent")}
    found, others = _targets(resource)
    for name, limit in most.items():
        if (name in found or not others) and (found.get(name) or float("inf")) > limit:
            yield f"scales on {name} at {shown(found.get(name))} %; it must be at {limit:g} % or earlier"
    behaviour = at(resource.properties, "spec", "behavior")
    if resource.type == SCALED_OBJECT:
        behaviour = at(resource.properties, "spec", "advanced", "horizontalPodAutoscalerConfig", "behavior")
        if behaviour is None:
            # KEDA leaves it to Kubernetes then, whose window is 300 s (KEDA, ScaledObject specification).
            return
    window = number(at(mapping(behaviour), "scaleDown", "stabilizationWindowSeconds"))
    least = settings.number("scaleDownSeconds")
    if window is None or window < least:
        yield f"scaleDown.stabilizationWindowSeconds is {shown(window)}; it must be at least {least:g}"


def _targets(resource: Resource) -> tuple[dict[str, float | None], bool]:
    """The targets for CPU and memory, % of the request, and whether it scales on anything else."""
    spec = mapping(resource.properties.get("spec"))
    if resource.type == OLD_AUTOSCALER:
        return {"cpu": number(spec.get("targetCPUUtilizationPercentage"))}, False
    if resource.type == SCALED_OBJECT:
        triggers = [
            (text(one.get("type")), number(at(one, "metadata", "value"))) for one in mappings(spec.get("triggers"))
        ]
        # A ScaledObject has no other metrics than its triggers, so what it does not name it does not need.
        return {name: value for name, value in triggers if name in MEASURED}, True
    own = [
        mapping(one.get("resource")) or mapping(one.get("containerResource")) for one in mappings(spec.get("metrics"))
    ]
    names = [text(one.get("name")) for one in own]
    found = {name: number(at(one, "target", "averageUtilization")) for name, one in zip(names, own, strict=True)}
    return {name: found[name] for name in MEASURED if name in found}, any(name not in MEASURED for name in names)


def _owners(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    """A patch of a workload fights its autoscaler as the workload itself does; a patch of an autoscaler is none."""
    scalers = [one for one in resources if one.type in AUTOSCALERS and not one.partial]

    def judged(scaler: Resource) -> Iterator[Judged]:
        kind, name = _kind(scaler), target(scaler)
        mine = [
            one
            for one in resources
            if one.type in SCALED and one.kind.endswith(f":{kind}") and _is_named(one, namespace(scaler), name)
        ]
        if kind in SCALED_KINDS and all(one.partial for one in mine):
            yield Violation(f"scales {name or 'nothing'}, and the stack has no such {kind}", scaler)
        for one in mine:
            if at(one.properties, "spec", "replicas") is not None:
                told = f"sets spec.replicas, which its autoscaler {scaler.name} owns: every update would fight it"
                yield Violation(told, one)
        for other in scalers[: scalers.index(scaler)]:
            if (namespace(other), _kind(other), target(other)) == (namespace(scaler), kind, name):
                yield Violation(f"scales {name}, as {other.name} does; a {kind} has one autoscaler", scaler)

    yield from each(scalers, judged)


def _is_named(one: Resource, where: str, name: str) -> bool:
    return namespace(one) == where and object_name(one) == name


def _kind(scaler: Resource) -> str:
    """The kind that an autoscaler scales; KEDA takes a Deployment where nothing is said."""
    return text(at(scaler.properties, "spec", "scaleTargetRef", "kind")) or "Deployment"


ONE_OWNER: Final = StackRule(
    id="SCL-02",
    name="one-owner-of-replicas",
    severity=Severity.HIGH,
    says="An autoscaler scales a Deployment of the stack, alone, and the Deployment sets no replicas.",
    why="Two owners take turns: each update throws away what the autoscaler decided in the middle of a rush.",
    fix="Leave spec.replicas out, and keep one autoscaler a Deployment.",
    source="kube-score, horizontalpodautoscaler-has-target",
    types=(*AUTOSCALERS, *SCALED),
    of_parts=True,
    check=_owners,
    breaks=(
        Break("deployment", "/spec/replicas", 3),
        Break("deployment", "/metadata/name", "other"),
    ),
)

AUTOSCALER_BEHAVIOUR: Final = ResourceRule(
    id="SCL-04",
    name="autoscaler-behaviour",
    severity=Severity.MEDIUM,
    says="Autoscalers act early on CPU and memory, and take away slowly.",
    why="Later than that new instances come when the old ones already fail; faster than that they flap.",
    fix="Target CPU 70 % and memory 80 % or less, and keep a scale-down window of 300 s or more.",
    source="the product's scaling plan",
    types=AUTOSCALERS,
    check=_behaviour,
    tunables=(
        Tunable("cpuPercent", Kind.NUMBER, 70, "highest CPU target, % of the request"),
        Tunable("memoryPercent", Kind.NUMBER, 80, "highest memory target, % of the request"),
        Tunable("scaleDownSeconds", Kind.NUMBER, 300, "shortest window before scaling down"),
    ),
    breaks=(
        Break("autoscaler", "/spec/metrics/0/resource/target/averageUtilization", 90),
        Break("autoscaler", "/spec/metrics/1"),
        Break("autoscaler", "/spec/metrics"),
        Break("autoscaler", "/spec/behavior/scaleDown/stabilizationWindowSeconds", 60),
        Break("autoscaler", "/spec/behavior"),
    ),
)

AREA: Final = "Scale"
RULES: Final = (ONE_OWNER, AUTOSCALER_BEHAVIOUR)
