"""The content-generation product (requirement Z01): which workloads it is made of and which paths are public."""

from __future__ import annotations

from typing import Final

from components.edge import RouteRule
from stacks.profile import Profile
from stacks.workload import Pool, WorkloadSpec

PUBLIC_SERVICE: Final = "cpm"

API_KEYS_REQUIRED: Final = False
"""Clients are known by their address (document A); a key raises a client's limits but is not asked for."""

ROUTES: Final = (
    RouteRule(("/generate",), request_timeout="60s", backend_timeout="60s"),
    RouteRule(("/ws/",), request_timeout="86400s", backend_timeout="86400s"),
    RouteRule(
        ("/", "/static/", "/status/", "/jobs", "/jobs/", "/health", "/health/", "/ready", "/api/"),
        request_timeout="300s",
        backend_timeout="300s",
    ),
)
"""What the edge lets through; metrics and internal paths are not among it. A path ending in / means all below it."""


def content_generation(profile: Profile) -> tuple[WorkloadSpec, ...]:
    """cpm takes requests and owns jobs, workers do the jobs, im turns a prompt into text."""
    size = profile.services
    return (
        WorkloadSpec("cpm", ("serve", "--role", "cpm"), size["cpm"], Pool(5, 5), "256Mi", "250m", public=True),
        WorkloadSpec("im", ("serve", "--role", "im"), size["im"], Pool(2, 2), "256Mi", "250m"),
        WorkloadSpec("worker", ("worker",), size["worker"], Pool(3, 3), "256Mi", "250m", peers=("im",)),
    )
