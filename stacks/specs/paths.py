"""Paths that machines ask, stated once: pods answer them, the edge opens them, and the policy pack knows them."""

from __future__ import annotations

from typing import Final

ALIVE_PATH: Final = "/health"
"""Of a workload's own process, for kubelets and load balancers."""

READY_PATH: Final = "/ready"
"""Of the process and what it cannot do without, for kubelets and Route 53."""

METRICS_PATH: Final = "/metrics"

PLAIN_PATHS: Final = (ALIVE_PATH,)
"""Paths that a load balancer may ask of its targets without TLS."""

UNLIMITED_PATHS: Final = (ALIVE_PATH, f"{ALIVE_PATH}/", READY_PATH, "/api/health", "/api/ready")
"""Paths that load balancers and monitors may ask as often as they like (requirement K15). One that ends in / is all
below.
"""
