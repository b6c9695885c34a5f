"""scale-limits: nothing may grow beyond the product's limits (requirement Y02)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pulumi_policy import (
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)

from policies.reading import Properties, Value, at, items, mapping, number, quantity, text


@dataclass(frozen=True)
class Limits:
    """The limits in force. Without an entry for a service it may not scale at all: a limit nobody stated is none."""

    instances: dict[str, float] = field(default_factory=dict)
    memory: str = "2Gi"
    storage_gb: float = 100
    database_connections: float = 200


def limits_of(config: Properties) -> Limits:
    """The pack's configuration, whose integers arrive as floats."""
    instances = {name: number(value) or 0 for name, value in mapping(config.get("instances")).items()}
    return Limits(
        instances,
        text(config.get("memory")) or Limits.memory,
        number(config.get("storageGb")) or Limits.storage_gb,
        number(config.get("databaseConnections")) or Limits.database_connections,
    )


def violations(kind: str, properties: Properties, limits: Limits) -> Iterator[str]:
    """What is beyond the limits in one resource; ``kind`` is its type without the provider's name."""
    match kind:
        case "autoscaling/v2:HorizontalPodAutoscaler" | "autoscaling/v1:HorizontalPodAutoscaler":
            yield from _autoscaler(properties, limits)
        case "apps/v1:Deployment":
            yield from _deployment(properties, limits)
        case "apps/v1:StatefulSet":
            yield from _stateful_set(properties, limits)
        case "rds/instance:Instance":
            for key in ("allocatedStorage", "maxAllocatedStorage"):
                yield from _at_most(key, number(properties.get(key)), limits.storage_gb, "GB")
        case "rds/parameterGroup:ParameterGroup":
            yield from _parameter_group(properties, limits)


def _autoscaler(properties: Properties, limits: Limits) -> Iterator[str]:
    target = text(at(properties, "spec", "scaleTargetRef", "name"))
    maximum = number(at(properties, "spec", "maxReplicas"))
    if maximum is None:
        yield "spec.maxReplicas is absent; it must be stated"
    else:
        yield from _instances(target, "spec.maxReplicas", maximum, limits)


def _deployment(properties: Properties, limits: Limits) -> Iterator[str]:
    replicas = number(at(properties, "spec", "replicas"))
    if replicas is not None:
        yield from _instances(text(at(properties, "metadata", "name")), "spec.replicas", replicas, limits)
    most = quantity(limits.memory) or 0
    for container in map(mapping, items(at(properties, "spec", "template", "spec", "containers"))):
        written = at(container, "resources", "limits", "memory")
        size = quantity(written)
        name = text(container.get("name"))
        if size is None:
            yield f"container {name} has no memory limit; it must be at most {limits.memory}"
        elif size > most:
            yield f"container {name} has a memory limit of {written}; it must be at most {limits.memory}"


def _stateful_set(properties: Properties, limits: Limits) -> Iterator[str]:
    for claim in map(mapping, items(at(properties, "spec", "volumeClaimTemplates"))):
        written = at(claim, "spec", "resources", "requests", "storage")
        size = quantity(written)
        if size is None:
            yield f"volumeClaimTemplates storage is {written!r}; it must be a size of at most {limits.storage_gb:g}Gi"
            continue
        # A volume is asked for in binary units and the limit is in decimal ones; a GB is taken for a GiB here.
        yield from _at_most("volumeClaimTemplates storage", size / 2**30, limits.storage_gb, "GB")
    for container in map(mapping, items(at(properties, "spec", "template", "spec", "containers"))):
        for argument in items(container.get("args")):
            name, _, value = text(argument).partition("=")
            if name == "max_connections":
                yield from _at_most("max_connections", number(value), limits.database_connections, "connections")


def _parameter_group(properties: Properties, limits: Limits) -> Iterator[str]:
    """Without a number of its own a database takes AWS's, which grows with the machine and knows no limit."""
    parameters = map(mapping, items(properties.get("parameters")))
    given = [parameter.get("value") for parameter in parameters if parameter.get("name") == "max_connections"]
    value = number(given[0]) if given else None
    if value is None:
        yield f"max_connections is not a number; it must be at most {limits.database_connections:g}"
    yield from _at_most("max_connections", value, limits.database_connections, "connections")


def _instances(service: str, key: str, value: float, limits: Limits) -> Iterator[str]:
    if service not in limits.instances:
        known = ", ".join(sorted(limits.instances)) or "none"
        yield f"{key} is {value:g} but no limit is configured for {service or 'a nameless service'}; known: {known}"
    else:
        yield from _at_most(key, value, limits.instances[service], f"instances of {service}")


def _at_most(key: str, value: float | None, limit: float, unit: str) -> Iterator[str]:
    if value is not None and value > limit:
        yield f"{key} is {value:g}; the limit is {limit:g} {unit}"


def _kind(resource_type: Value) -> str:
    return text(resource_type).partition(":")[2]


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    for violation in violations(_kind(args.resource_type), args.props, limits_of(args.get_config())):
        report(f"{args.name}: {violation}", None)


SCALE_LIMITS_RULE: Final = ResourceValidationPolicy(
    name="scale-limits",
    description="No service, database or volume may grow beyond the limits of its product.",
    severity=Severity.CRITICAL,
    remediation_steps="Lower the value in the stack file; a higher limit is a change of infra/limits.py, reviewed.",
    config_schema=PolicyConfigSchema(
        properties={
            "instances": {"type": "object", "additionalProperties": {"type": "number"}, "default": {}},
            "memory": {"type": "string", "default": "2Gi"},
            "storageGb": {"type": "number", "default": 100},
            "databaseConnections": {"type": "number", "default": 200},
        }
    ),
    validate=_validate,
)
