"""Form of an example resource."""

from __future__ import annotations

from typing import Final

from policies.reading import Value
from policies.rule import Resource

CLUSTER: Final = "kubernetes-us-east-1"
NAMESPACE: Final = "shop"


def urn(type_: str, name: str) -> str:
    """The URN of an example."""
    return f"urn:pulumi:prod::example::{type_}::{name}"


def labels(component: str) -> dict[str, Value]:
    """The recommended labels."""
    return {
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "shop",
        "app.kubernetes.io/managed-by": "pulumi",
    }


def in_cluster(type_: str, component: str, properties: dict[str, Value], name: str = "") -> Resource:
    """An object of the example's namespace. ``name`` is the object's, where it is not its component's."""
    metadata: dict[str, Value] = {
        "name": name or component,
        "namespace": NAMESPACE,
        "labels": labels(component),
        "annotations": {},
    }
    full = f"kubernetes:{type_}"
    called = f"{name or component}-{type_.rpartition(':')[2].lower()}"
    return Resource(full, called, {"metadata": metadata, **properties}, urn(full, called), provider=CLUSTER)


def in_aws(
    type_: str, name: str, properties: dict[str, Value], *, protect: bool = False, after: tuple[Resource, ...] = ()
) -> Resource:
    """An AWS resource, which depends on others."""
    full = f"aws:{type_}"
    depends_on = frozenset(one.urn for one in after)
    return Resource(full, name, properties, urn(full, name), protect, "aws", depends_on)
