"""Public paths of workflow-dashboard (document B; limits of clients are document E's, K15)."""

from __future__ import annotations

from typing import Final

from stacks.products.routes import MONITORING
from stacks.products.workflow_dashboard.workloads import BACKEND, FRONTEND
from stacks.specs.route import PublicRoutes, Rate, RouteGroup

CALLS: Final = (RouteGroup("api", ("/api/",), timeout="60s", rate=Rate(per_second=10, burst=20)),)

PAGE: Final = (RouteGroup("page", ("/", "/static/"), timeout="60s", rate=Rate(per_second=30, burst=50)),)

ROUTES: Final = PublicRoutes(
    page={FRONTEND: PAGE, BACKEND: CALLS},
    api={BACKEND: (*CALLS, *MONITORING)},
    region={BACKEND: MONITORING},
    health=BACKEND,
)
