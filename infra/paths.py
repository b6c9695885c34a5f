"""Paths that machines ask, stated once: the edge opens them, and the policy pack knows them as exceptions."""

from __future__ import annotations

from typing import Final

PLAIN_PATHS: Final = ("/health",)
"""Paths that a load balancer may ask of its targets without TLS."""

UNLIMITED_PATHS: Final = ("/health", "/health/", "/ready", "/api/health", "/api/ready")
"""Paths that load balancers and monitors may ask as often as they like (requirement K15). One that ends in / is all
below.
"""
