"""Labels of every Kubernetes object (requirement K01), from one function."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_kubernetes import meta

PART_OF = "contentgen"
FIELD_MANAGER = PART_OF
"""Owner, for server-side apply, of the fields of every object of ours."""


def labels(component: str, product: str) -> dict[str, str]:
    """The recommended labels; selectors use ``selector`` alone, because labels may grow and selectors may not."""
    return {
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/instance": f"{product}-{component}",
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": PART_OF,
        "app.kubernetes.io/managed-by": "pulumi",
    }


def selector(component: str) -> dict[str, str]:
    """Label selector of a component's pods; it never changes during the component's life."""
    return {"app.kubernetes.io/name": component, "app.kubernetes.io/part-of": PART_OF}


def metadata(
    component: str,
    product: str,
    namespace: str | None = None,
    name: str | None = None,
    annotations: Mapping[str, pulumi.Input[str]] | None = None,
    extra_labels: dict[str, str] | None = None,
    only_manager: str | None = None,
) -> meta.v1.ObjectMetaArgs:
    """The metadata of an object. Without a name the engine makes one, new whenever the object must be replaced.

    Every object has one field manager instead of the engine's random one: an update that was cut off has created
    objects the engine does not know of, and creating them again must not conflict with itself. What is declared wins
    over changes by hand (docs/decisions/declared-wins.md). ``only_manager`` takes nothing from any other field manager:
    the API server refuses the object and names who has it.
    """
    return meta.v1.ObjectMetaArgs(
        name=name,
        namespace=namespace,
        labels={**labels(component, product), **(extra_labels or {})},
        annotations={
            "pulumi.com/patchFieldManager": only_manager or FIELD_MANAGER,
            "pulumi.com/patchForce": "false" if only_manager else "true",
            **(annotations or {}),
        },
    )
