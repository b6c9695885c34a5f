"""Public paths of a product that writes texts, with document E's limits of clients (K15). A path ending in / means all
below it. Metrics and internal paths are nowhere.
"""

from __future__ import annotations

from typing import Final

from stacks.specs.route import Rate, RouteGroup

CALLS: Final = (
    RouteGroup("generate", ("/generate",), timeout="60s", rate=Rate(per_second=1, burst=5)),
    RouteGroup("live", ("/ws/",), timeout="86400s", rate=Rate(per_second=10, burst=20)),
    RouteGroup(
        "api",
        ("/status/", "/jobs", "/jobs/", "/cancel/", "/sessions", "/export", "/erase", "/api/"),
        timeout="300s",
        rate=Rate(per_second=10, burst=20),
    ),
)
"""Routes for clients, under the API's own name and, for the page's sake, under the page's too."""

PAGE: Final = (RouteGroup("page", ("/", "/static/"), timeout="300s", rate=Rate(per_second=30, burst=50)),)

WEBHOOKS: Final = (RouteGroup("webhooks", ("/webhooks/",), timeout="60s", rate=Rate(per_second=10, burst=20)),)

ADMINISTRATION: Final = (RouteGroup("admin", ("/admin/",), timeout="60s", rate=Rate(per_second=10, burst=20)),)
"""Route of the administration, declared only with ``contentgen:admin`` networks."""

OTHER_REGIONS: Final = (
    RouteGroup(
        "others",
        ("/status/", "/cancel/", "/jobs/", "/export", "/internal/"),
        timeout="60s",
        rate=Rate(per_second=100, burst=200),
    ),
)
"""Routes that a region answers for another one, under its own name: many clients' questions come from one address.
Paths below /internal/ are for regions alone, which the service itself knows by their signature.
"""
