"""Public paths of TEMPLATE_name. A path ending in / means all below it."""

from __future__ import annotations

from typing import Final

from stacks.products.routes import MONITORING
from stacks.specs.route import PublicRoutes, Rate, RouteGroup

from .workloads import WEB

CALLS: Final = (RouteGroup("api", ("/api/",), timeout="60s", rate=Rate(per_second=10, burst=20)),)

PAGE: Final = (RouteGroup("page", ("/", "/static/"), timeout="60s", rate=Rate(per_second=30, burst=50)),)

ROUTES: Final = PublicRoutes(
    page={WEB: (*PAGE, *CALLS)},
    api={WEB: (*CALLS, *MONITORING)},
    region={WEB: MONITORING},
    health=WEB,
)
