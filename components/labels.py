"""Labels of every Kubernetes object (requirement K01), from one function."""

from __future__ import annotations

PART_OF = "contentgen"


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
    """What selects a component's pods; it never changes during the component's life."""
    return {"app.kubernetes.io/name": component, "app.kubernetes.io/part-of": PART_OF}
