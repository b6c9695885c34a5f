"""One name for each kind of resource, however a program writes it: old API groups, patches, lists, renamed AWS types.

Rules read the names given here, so what a rule refuses it refuses in every spelling. A patch states a part of an
object: only rules that forbid something look at it, because what it leaves out stays as it is in the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from policies.reading import Properties, mappings, text
from policies.rule import Resource

KUBERNETES: Final = "kubernetes:"
LIST: Final = "kubernetes:core/v1:List"

STABLE: Final[Mapping[str, str]] = {
    "apps": "v1",
    "autoscaling": "v2",
    "batch": "v1",
    "core": "v1",
    "gateway.networking.k8s.io": "v1",
    "networking.k8s.io": "v1",
    "policy": "v1",
    "rbac.authorization.k8s.io": "v1",
}
"""The version whose shape the rules know, by API group (Kubernetes, deprecated API migration guide)."""

MOVED: Final[Mapping[str, str]] = {
    "DaemonSet": "apps",
    "Deployment": "apps",
    "ReplicaSet": "apps",
    "Ingress": "networking.k8s.io",
    "NetworkPolicy": "networking.k8s.io",
}
"""The group to which a kind of ``extensions`` moved."""

ITEMS: Final = (
    "ConfigMap",
    "CronJob",
    "DaemonSet",
    "Deployment",
    "GRPCRoute",
    "Gateway",
    "HTTPRoute",
    "HorizontalPodAutoscaler",
    "Ingress",
    "Job",
    "NetworkPolicy",
    "Pod",
    "ReplicaSet",
    "ReplicationController",
    "Role",
    "ClusterRole",
    "ClusterRoleBinding",
    "RoleBinding",
    "Service",
    "StatefulSet",
)
"""Kinds whose list is a kind of its own, with the objects under ``items``."""

RENAMED: Final[Mapping[str, str]] = {
    "aws:alb/listener:Listener": "aws:lb/listener:Listener",
    "aws:applicationloadbalancing/listener:Listener": "aws:lb/listener:Listener",
    "aws:elasticloadbalancingv2/listener:Listener": "aws:lb/listener:Listener",
    "aws:s3/bucketV2:BucketV2": "aws:s3/bucket:Bucket",
    "aws:s3/bucketObject:BucketObject": "aws:s3/bucketObjectv2:BucketObjectv2",
    **{
        f"aws:s3/bucket{name}V2:Bucket{name}V2": f"aws:s3/bucket{name}:Bucket{name}"
        for name in (
            "Acl",
            "LifecycleConfiguration",
            "Logging",
            "ObjectLockConfiguration",
            "ServerSideEncryptionConfiguration",
            "Versioning",
        )
    },
}
"""AWS types of one resource (the provider's registry, deprecated resources)."""


def normalised(resource: Resource) -> Iterator[Resource]:
    """The resource as rules read it; each object of a list for itself."""
    type_ = canonical(resource.type)
    if is_list(resource.type):
        for index, one in enumerate(mappings(resource.properties.get("items"))):
            named = f"{resource.name}.items[{index}]"
            written = _of_item(resource.type, one)
            yield replace(resource, type=canonical(written), written=written, name=named, properties=one)
        return
    if type_ == resource.type and not resource.written:
        yield resource
        return
    yield replace(resource, type=type_, written=resource.type, partial=_is_patch(resource.type))


@cache
def canonical(type_: str) -> str:
    """The type as rules name it."""
    if not type_.startswith(KUBERNETES):
        return RENAMED.get(type_, type_)
    group, version, kind = _parts(type_)
    kind = kind.removesuffix("Patch")
    if group == "extensions":
        group, version = MOVED.get(kind, group), "v1" if kind in MOVED else version
    # An autoscaler of v1 knows no metrics, so rules read it apart.
    if STABLE.get(group) and (group, version) != ("autoscaling", "v1"):
        version = STABLE[group]
    return f"{KUBERNETES}{group}/{version}:{kind}"


def _parts(type_: str) -> tuple[str, str, str]:
    """Group, version and kind; types of no group of their own belong to ``core``."""
    place, _, kind = type_.removeprefix(KUBERNETES).partition(":")
    group, _, version = place.rpartition("/")
    return group or "core", version, kind


@cache
def is_list(type_: str) -> bool:
    """True if a resource is a list of objects."""
    if not type_.startswith(KUBERNETES) or not type_.endswith("List"):
        return False
    return type_ == LIST or _parts(type_)[2].removesuffix("List") in ITEMS


@cache
def _is_patch(type_: str) -> bool:
    return type_.startswith(KUBERNETES) and type_.endswith("Patch")


def _of_item(type_: str, one: Properties) -> str:
    """The type of a list's object: its own where it says so, else that of the list."""
    version, kind = text(one.get("apiVersion")), text(one.get("kind"))
    if version and kind:
        return f"{KUBERNETES}{version if '/' in version else f'core/{version}'}:{kind}"
    return type_.removesuffix("List")
