"""The pods inside workloads: where each kind keeps its template."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from policies.reading import Properties, at, mapping, mappings, text
from policies.rule import Resource

DEPLOYMENT: Final = "kubernetes:apps/v1:Deployment"
STATEFUL_SET: Final = "kubernetes:apps/v1:StatefulSet"
CRON_JOB: Final = "kubernetes:batch/v1:CronJob"
SERVING: Final = (DEPLOYMENT, STATEFUL_SET, "kubernetes:apps/v1:DaemonSet")
POD_TYPES: Final = (*SERVING, "kubernetes:batch/v1:Job", CRON_JOB, "kubernetes:core/v1:Pod")


def template(resource: Resource) -> Properties:
    """The pod's metadata and spec; a Pod is its own template."""
    if resource.type == CRON_JOB:
        return mapping(at(resource.properties, "spec", "jobTemplate", "spec", "template"))
    if resource.kind == "core/v1:Pod":
        return resource.properties
    return mapping(at(resource.properties, "spec", "template"))


def pod(resource: Resource) -> Properties:
    """The pod's spec."""
    return mapping(template(resource).get("spec"))


def containers(resource: Resource) -> Iterator[tuple[str, Properties]]:
    """Every container, those that run first included, with how a message calls it."""
    spec = pod(resource)
    for key in ("initContainers", "containers"):
        for one in mappings(spec.get(key)):
            yield f"container {text(one.get('name'))}", one


def serving(resource: Resource) -> Iterator[tuple[str, Properties]]:
    """The containers that stay."""
    for one in mappings(pod(resource).get("containers")):
        yield f"container {text(one.get('name'))}", one


def object_name(resource: Resource) -> str:
    """The object's own name in the cluster; where the engine makes it up, its component's."""
    return text(at(resource.properties, "metadata", "name"))


def namespace(resource: Resource) -> str:
    """The namespace with its cluster, because several regions use one name."""
    return f"{resource.provider}/{text(at(resource.properties, 'metadata', 'namespace'))}"


def selects(selector: Properties, labels: Properties) -> bool:
    """Whether ``matchLabels`` of a selector chooses an object with these labels; an empty selector chooses all."""
    wanted = mapping(selector.get("matchLabels"))
    return all(labels.get(key) == value for key, value in wanted.items())
