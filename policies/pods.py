"""The pods inside workloads: where each kind keeps its template, and whom a selector chooses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from policies.reading import Properties, at, mapping, mappings, text, texts
from policies.rule import Resource

DEPLOYMENT: Final = "kubernetes:apps/v1:Deployment"
STATEFUL_SET: Final = "kubernetes:apps/v1:StatefulSet"
REPLICA_SET: Final = "kubernetes:apps/v1:ReplicaSet"
CONTROLLER: Final = "kubernetes:core/v1:ReplicationController"
ROLLOUT: Final = "kubernetes:argoproj.io/v1alpha1:Rollout"
CRON_JOB: Final = "kubernetes:batch/v1:CronJob"
SCALED_JOB: Final = "kubernetes:keda.sh/v1alpha1:ScaledJob"
DAEMON_SET: Final = "kubernetes:apps/v1:DaemonSet"
SERVING: Final = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, REPLICA_SET, CONTROLLER, ROLLOUT)
"""Kinds whose containers stay."""

TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys((*SERVING, "kubernetes:batch/v1:Job"), ("spec", "template")),
        CRON_JOB: ("spec", "jobTemplate", "spec", "template"),
        SCALED_JOB: ("spec", "jobTargetRef", "template"),
        "kubernetes:core/v1:PodTemplate": ("template",),
        "kubernetes:core/v1:Pod": (),
    }
)
"""Path of the pod in each kind; a Pod is its own."""

POD_TYPES: Final = tuple(TEMPLATES)
CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")


def template(resource: Resource) -> Properties:
    """The pod's metadata and spec; nothing for a kind without pods."""
    path = TEMPLATES.get(resource.type)
    return {} if path is None else mapping(at(resource.properties, *path))


def pod(resource: Resource) -> Properties:
    """The pod's spec."""
    return mapping(template(resource).get("spec"))


def pod_labels(resource: Resource) -> Properties:
    """The labels of its pods."""
    return mapping(at(template(resource), "metadata", "labels"))


def containers(resource: Resource) -> Iterator[tuple[str, Properties]]:
    """Every container, those that run first or are put in later included, with how a message calls it."""
    spec = pod(resource)
    for key in CONTAINERS:
        for one in mappings(spec.get(key)):
            yield f"container {text(one.get('name'))}", one


def serving(resource: Resource) -> Iterator[tuple[str, Properties]]:
    """The containers that stay."""
    for one in mappings(pod(resource).get("containers")):
        yield f"container {text(one.get('name'))}", one


def is_windows(resource: Resource) -> bool:
    """True if the pods say that they run on Windows, which knows no Linux capabilities or seccomp."""
    return at(pod(resource), "os", "name") == "windows"


def object_name(resource: Resource) -> str:
    """The object's own name in the cluster; where the engine makes it up, its component's."""
    return text(at(resource.properties, "metadata", "name"))


def namespace(resource: Resource) -> str:
    """The namespace with its cluster, because several regions use one name."""
    return f"{resource.provider}/{text(at(resource.properties, 'metadata', 'namespace'))}"


def selects(selector: Properties, labels: Properties) -> bool:
    """True if a selector chooses an object with these labels; an empty selector chooses all."""
    wanted = mapping(selector.get("matchLabels"))
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _matches(one, labels) for one in mappings(selector.get("matchExpressions"))
    )


def _matches(expression: Properties, labels: Properties) -> bool:
    """One expression of a selector, as the API server reads it; an operator it does not have matches nothing."""
    value = labels.get(text(expression.get("key")))
    values = texts(expression.get("values"))
    match text(expression.get("operator")):
        case "In":
            return value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False
