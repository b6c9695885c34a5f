"""Rules of scale: limits of instances, memory, storage and connections, and the owner of replicas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from policies.pods import (
    POD_TYPES,
    SCALED_JOB,
    SERVING,
    STATEFUL_SET,
    containers,
    object_name,
    pod,
)
from policies.reading import Properties, at, items, mapping, mappings, number, quantity, shown, text
from policies.rule import Break, Resource, ResourceRule
from policies.tunables import Kind, Settings, Tunable

AUTOSCALER: Final = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
OLD_AUTOSCALER: Final = "kubernetes:autoscaling/v1:HorizontalPodAutoscaler"
SCALED_OBJECT: Final = "kubernetes:keda.sh/v1alpha1:ScaledObject"
DATABASE: Final = "aws:rds/instance:Instance"
PARAMETERS: Final = "aws:rds/parameterGroup:ParameterGroup"
MACHINES: Final = "aws:autoscaling/group:Group"
KEDA_JOBS: Final = 100
"""So many jobs KEDA starts at once where a ScaledJob says nothing (KEDA, ScaledJob specification)."""
COUNTED_FAMILIES: Final = ("postgres", "aurora-postgresql", "mysql", "aurora-mysql", "mariadb")
"""Families of parameter groups in which max_connections is a parameter."""
OF_POD: Final = ("cpu", "memory")
"""Resources that may be stated for a pod as a whole instead (Kubernetes, pod-level resources)."""
CLAIM: Final = "kubernetes:core/v1:PersistentVolumeClaim"
MEASURED: Final = ("cpu", "memory")
"""Resources that Kubernetes measures of every pod."""
AUTOSCALERS: Final = (AUTOSCALER, OLD_AUTOSCALER, SCALED_OBJECT)

_INSTANCES: Final = Tunable(
    "instances", Kind.NUMBERS, {}, "most instances by service; one without a number may not scale"
)
_CONNECTIONS: Final = Tunable("databaseConnections", Kind.NUMBER, 200, "connections that a database accepts")


def target(resource: Resource) -> str:
    """The name of what an autoscaler scales."""
    return text(at(resource.properties, "spec", "scaleTargetRef", "name"))


def maximum(resource: Resource) -> float | None:
    """Maximum of an autoscaler; KEDA spells it its own way."""
    key = "maxReplicaCount" if resource.type == SCALED_OBJECT else "maxReplicas"
    return number(at(resource.properties, "spec", key))


def _limits(resource: Resource, settings: Settings) -> Iterator[str]:
    storage = settings.number("storageGb")
    if resource.type in AUTOSCALERS:
        yield from _autoscaler(resource, settings)
    elif resource.type in POD_TYPES:
        yield from _workload(resource, settings)
    elif resource.type == CLAIM:
        yield from _storage("the claim's", resource.properties, storage)
    elif resource.type == DATABASE:
        for key in ("allocatedStorage", "maxAllocatedStorage"):
            yield from _at_most(key, number(resource.properties.get(key)), storage, "GB")
    elif resource.type == MACHINES:
        name = text(resource.properties.get("name")) or resource.name
        most = number(resource.properties.get("maxSize"))
        yield from _instances(name, "maxSize", float("inf") if most is None else most, settings)
    else:
        yield from _parameter_group(resource, settings.number("databaseConnections"))


def _workload(resource: Resource, settings: Settings) -> Iterator[str]:
    replicas = number(at(resource.properties, "spec", "replicas"))
    if replicas is not None and replicas > 1:
        yield from _instances(object_name(resource), "spec.replicas", replicas, settings)
    if resource.type == SCALED_JOB:
        most = number(at(resource.properties, "spec", "maxReplicaCount"))
        yield from _instances(
            object_name(resource), "spec.maxReplicaCount", KEDA_JOBS if most is None else most, settings
        )
    at_once = number(at(resource.properties, "spec", "parallelism"))
    if at_once is not None and at_once > 1:
        yield from _instances(object_name(resource), "spec.parallelism", at_once, settings)
    if resource.type in SERVING:
        yield from _memory(resource, settings.text("storeMemory" if resource.type == STATEFUL_SET else "memory"))
    for claim in mappings(at(resource.properties, "spec", "volumeClaimTemplates")):
        yield from _storage("volumeClaimTemplates", claim, settings.number("storageGb"))
    for volume in mappings(pod(resource).get("volumes")):
        claimed = at(volume, "ephemeral", "volumeClaimTemplate")
        if claimed is not None:
            yield from _storage("ephemeral volume", mapping(claimed), settings.number("storageGb"))
    yield from _server_connections(resource, settings.number("databaseConnections"))


def _autoscaler(resource: Resource, settings: Settings) -> Iterator[str]:
    most = maximum(resource)
    if most is None:
        yield "spec.maxReplicas is absent; it must be stated"
    else:
        yield from _instances(target(resource), "spec.maxReplicas", most, settings)


def _memory(resource: Resource, most: str) -> Iterator[str]:
    for name, container in _sized(resource):
        written = at(container, "resources", "limits", "memory") or at(pod(resource), "resources", "limits", "memory")
        size, limit = quantity(written), quantity(most)
        if size is None:
            if not resource.partial:
                yield f"{name} has no memory limit; it must be at most {most}"
        elif limit is None or size > limit:
            yield f"{name} has a memory limit of {written}; it must be at most {most}"


def _storage(what: str, claim: Properties, most: float) -> Iterator[str]:
    written = at(claim, "spec", "resources", "requests", "storage")
    size = quantity(written)
    if size is None:
        yield f"{what} storage is {shown(written)}; it must be a size of at most {most:g}Gi"
    else:
        # A volume is asked for in binary units and the limit is in decimal ones; a GB is taken for a GiB here.
        yield from _at_most(f"{what} storage", size / 2**30, most, "GB")


def _server_connections(resource: Resource, most: float) -> Iterator[str]:
    for _, container in containers(resource):
        for argument in (*items(container.get("command")), *items(container.get("args"))):
            name, _, value = text(argument).removeprefix("-c").lstrip("-").strip().partition("=")
            if name == "max_connections":
                yield from _at_most("max_connections", number(value), most, "connections")


def _parameter_group(resource: Resource, most: float) -> Iterator[str]:
    """Without a number of its own a database takes AWS's, which grows with the machine and knows no limit."""
    if not text(resource.properties.get("family")).startswith(COUNTED_FAMILIES):
        return
    parameters = mappings(resource.properties.get("parameters"))
    given = [parameter.get("value") for parameter in parameters if parameter.get("name") == "max_connections"]
    value = number(given[0]) if given else None
    if value is None:
        yield f"max_connections is not a number; it must be at most {most:g}"
    yield from _at_most("max_connections", value, most, "connections")


def _instances(service: str, key: str, value: float, settings: Settings) -> Iterator[str]:
    limits = settings.numbers("instances")
    if service not in limits:
        known = ", ".join(sorted(limits)) or "none"
        yield f"{key} is {value:g} but no limit is configured for {service or 'a nameless service'}; known: {known}"
    else:
        yield from _at_most(key, value, limits[service], f"instances of {service}")


def _at_most(key: str, value: float | None, limit: float, unit: str) -> Iterator[str]:
    if value is not None and value > limit:
        yield f"{key} is {value:g}; the limit is {limit:g} {unit}"


def _sized(resource: Resource) -> Iterator[tuple[str, Properties]]:
    """The containers that may state resources: the API refuses them for one that is put in later."""
    later_on = mappings(pod(resource).get("ephemeralContainers"))
    return (one for one in containers(resource) if one[1] not in later_on)


def _stated(resource: Resource, settings: Settings) -> Iterator[str]:
    for name, container in _sized(resource):
        for side in ("requests", "limits"):
            for what in ("cpu", "memory", "ephemeral-storage"):
                written = at(container, "resources", side, what)
                if written is None and what in OF_POD:
                    written = at(pod(resource), "resources", side, what)
                if not quantity(written):
                    yield f"{name} states no {side}.{what}"


SCALE_LIMITS: Final = ResourceRule(
    id="SCL-01, SCL-06",
    name="scale-limits",
    severity=Severity.CRITICAL,
    says="No service, database or volume may grow beyond the limits of its product.",
    why="An unstated limit is found by the invoice, or by the database that takes no more connections.",
    fix="Lower the value in the stack file; a higher limit is a change of its own, reviewed.",
    source="the product's limits; kube-score, horizontal pod autoscaler",
    types=(*AUTOSCALERS, *POD_TYPES, CLAIM, DATABASE, PARAMETERS, MACHINES),
    of_parts=True,
    check=_limits,
    tunables=(
        _INSTANCES,
        Tunable("memory", Kind.TEXT, "2Gi", "most memory of one instance"),
        Tunable("storeMemory", Kind.TEXT, "8Gi", "most memory of one instance of a store, which is a StatefulSet"),
        Tunable("storageGb", Kind.NUMBER, 100, "most storage of one database or volume, GB"),
        _CONNECTIONS,
    ),
    breaks=(
        Break("autoscaler", "/spec/maxReplicas", 11),
        Break("autoscaler", "/spec/maxReplicas"),
        Break("deployment", "/spec/template/spec/containers/0/resources/limits/memory", "3Gi"),
        Break("store", "/spec/volumeClaimTemplates/0/spec/resources/requests/storage", "101Gi"),
        Break("store", "/spec/volumeClaimTemplates/0/spec/resources/requests/storage"),
        Break("store", "/spec/template/spec/containers/0/args/1", "max_connections=201"),
        Break("database", "/allocatedStorage", 101),
        Break("database parameters", "/parameters/0/value", "201"),
        Break("database parameters", "/parameters/0/value", "LEAST({DBInstanceClassMemory/9531392},5000)"),
        Break("database parameters", "/parameters/0"),
    ),
)

STATED_RESOURCES: Final = ResourceRule(
    id="SCL-03",
    name="stated-resources",
    severity=Severity.HIGH,
    says="Every container states requests and limits of CPU, memory and ephemeral storage.",
    why="What states nothing is placed anywhere, takes everything, and is the last to be blamed.",
    fix="Fill resources.requests and resources.limits.",
    source="Checkov CKV_K8S_10-13; kube-score, container-resources",
    types=POD_TYPES,
    check=_stated,
    breaks=(
        Break("deployment", "/spec/template/spec/containers/0/resources/limits/cpu"),
        Break("deployment", "/spec/template/spec/containers/0/resources/requests"),
        Break("store", "/spec/template/spec/containers/0/resources/limits/ephemeral-storage"),
        Break("backup", "/spec/jobTemplate/spec/template/spec/containers/0/resources"),
    ),
)

AREA: Final = "Scale"
RULES: Final = (SCALE_LIMITS, STATED_RESOURCES)
