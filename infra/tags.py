"""Tags of every AWS resource, from one function, so that cost by product and owner can be read off the bill (M03)."""

from __future__ import annotations

from infra.settings.stack import StackSettings


def tags(settings: StackSettings, stack: str) -> dict[str, str]:
    """Cost-allocation tags; they become the AWS provider's default tags."""
    return {
        "contentgen:product": settings.product,
        "contentgen:environment": settings.environment.value,
        "contentgen:stack": stack,
        "contentgen:owner": settings.owner,
        "contentgen:managed-by": "pulumi",
    }
