"""Services of blog-ai behind the public paths (requirements E08, K01): the page's port answers the API's paths too."""

from __future__ import annotations

from typing import Final

from stacks.products.blog_ai.workloads import BACKEND, FRONTEND
from stacks.products.routes import MONITORING
from stacks.products.text_routes import ADMINISTRATION, CALLS, OTHER_REGIONS, PAGE, WEBHOOKS
from stacks.specs.route import PublicRoutes, Rate, RouteGroup

PICTURES: Final = RouteGroup("pictures", ("/pictures", "/pictures/"), timeout="60s", rate=Rate(per_second=10, burst=20))

ROUTES: Final = PublicRoutes(
    page={FRONTEND: (*PAGE, *CALLS, PICTURES)},
    api={BACKEND: (*CALLS, *MONITORING, *WEBHOOKS, PICTURES)},
    administration={BACKEND: ADMINISTRATION},
    region={BACKEND: (*OTHER_REGIONS, *MONITORING, PICTURES)},
    health=BACKEND,
)
