"""The AWS load balancer in front of a region's gateway, as annotations of its Service (requirement A05)."""

from __future__ import annotations

from typing import Final

HEALTH_SECONDS: Final = 30
HEALTH_TIMEOUT_SECONDS: Final = 10
DRAIN_SECONDS: Final = 60
_PREFIX: Final = "service.beta.kubernetes.io/aws-load-balancer"


def load_balancer_annotations(health_path: str) -> dict[str, str]:
    """A network load balancer that passes client addresses on and asks ``health_path`` of every target.

    The Gateway API takes eight annotations at the most. Left to the controller is what its defaults agree with: three
    failures take a target out. It comes back after three successes, because AWS takes no threshold of one here.
    """
    return {
        f"{_PREFIX}-type": "external",
        f"{_PREFIX}-nlb-target-type": "ip",
        f"{_PREFIX}-scheme": "internet-facing",
        f"{_PREFIX}-target-group-attributes": (
            f"preserve_client_ip.enabled=true,deregistration_delay.timeout_seconds={DRAIN_SECONDS}"
        ),
        f"{_PREFIX}-healthcheck-protocol": "HTTP",
        f"{_PREFIX}-healthcheck-path": health_path,
        f"{_PREFIX}-healthcheck-interval": str(HEALTH_SECONDS),
        f"{_PREFIX}-healthcheck-timeout": str(HEALTH_TIMEOUT_SECONDS),
    }
