"""Public paths of recipe-app (document D; limits of clients are document E's, K15)."""

from __future__ import annotations

from typing import Final

from stacks.products.recipe_app.workloads import BACKEND, FRONTEND
from stacks.products.routes import MONITORING
from stacks.specs.route import PublicRoutes, Rate, RouteGroup

CALLS: Final = (
    RouteGroup(
        "api",
        ("/api/recipes", "/api/recipes/", "/api/videos/", "/api/sessions"),
        timeout="60s",
        rate=Rate(per_second=10, burst=20),
    ),
)

PAGE: Final = (RouteGroup("page", ("/", "/static/"), timeout="60s", rate=Rate(per_second=30, burst=50)),)

ADMINISTRATION: Final = (RouteGroup("admin", ("/api/admin/",), timeout="60s", rate=Rate(per_second=10, burst=20)),)
"""Route of the administration, declared only with ``contentgen:admin`` networks."""

ROUTES: Final = PublicRoutes(
    page={FRONTEND: PAGE, BACKEND: CALLS},
    api={BACKEND: (*CALLS, *MONITORING)},
    administration={BACKEND: ADMINISTRATION},
    region={BACKEND: MONITORING},
    health=BACKEND,
)
