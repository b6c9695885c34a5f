"""Public paths of video-gateway (document C; limits of clients are document E's, K15)."""

from __future__ import annotations

from typing import Final

from stacks.products.routes import MONITORING
from stacks.products.video_gateway.workloads import FRONTEND, GATEWAY
from stacks.specs.route import PublicRoutes, Rate, RouteGroup

CALLS: Final = (
    RouteGroup("generate", ("/api/generate",), timeout="30s", rate=Rate(per_second=1, burst=5)),
    RouteGroup(
        "api",
        ("/api/videos", "/api/videos/", "/api/flags", "/api/sessions"),
        timeout="30s",
        rate=Rate(per_second=10, burst=20),
    ),
)
"""Document C's functions end after 30 seconds (requirement A03)."""

PAGE: Final = (RouteGroup("page", ("/", "/static/"), timeout="30s", rate=Rate(per_second=30, burst=50)),)

ROUTES: Final = PublicRoutes(
    page={FRONTEND: PAGE, GATEWAY: CALLS},
    api={GATEWAY: (*CALLS, *MONITORING)},
    administration={},
    region={GATEWAY: MONITORING},
    health=GATEWAY,
)
