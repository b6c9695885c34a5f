"""The AWS load balancer in front of a region's gateway, as annotations of its Service (requirement A05)."""

from __future__ import annotations

from typing import Final

HEALTH_SECONDS: Final = 30
HEALTH_TIMEOUT_SECONDS: Final = 10
DRAIN_SECONDS: Final = 60
PLAIN_TARGET_PORT: Final = 10080
"""Port on which a proxy listens for port 80: Envoy Gateway adds 10000 to well-known ports (wellKnownPortShift)."""
_PREFIX: Final = "service.beta.kubernetes.io/aws-load-balancer"


def load_balancer_annotations(health_path: str) -> dict[str, str]:
    """A network load balancer that passes client addresses on and asks ``health_path`` of every target.

    Every target is asked on the plain port, also those of port 443: ``healthcheck-port`` is by default the traffic
    port, where a plain request meets TLS and fails for ever (aws-load-balancer-controller,
    pkg/service/model_builder.go). Three failures take a target out; it comes back after three successes, because AWS
    takes no threshold of one here.
    """
    return {
        f"{_PREFIX}-type": "external",
        f"{_PREFIX}-nlb-target-type": "ip",
        f"{_PREFIX}-scheme": "internet-facing",
        f"{_PREFIX}-target-group-attributes": (
            f"preserve_client_ip.enabled=true,deregistration_delay.timeout_seconds={DRAIN_SECONDS}"
        ),
        f"{_PREFIX}-healthcheck-protocol": "HTTP",
        f"{_PREFIX}-healthcheck-port": str(PLAIN_TARGET_PORT),
        f"{_PREFIX}-healthcheck-path": health_path,
        f"{_PREFIX}-healthcheck-interval": str(HEALTH_SECONDS),
        f"{_PREFIX}-healthcheck-timeout": str(HEALTH_TIMEOUT_SECONDS),
    }
