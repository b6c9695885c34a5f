"""Services of content-generation behind the public paths (requirements A03, K01)."""

from __future__ import annotations

from typing import Final

from stacks.products.content_generation.workloads import API, FRONTEND
from stacks.products.routes import MONITORING
from stacks.products.text_routes import ADMINISTRATION, CALLS, OTHER_REGIONS, PAGE, WEBHOOKS
from stacks.specs.route import PublicRoutes

ROUTES: Final = PublicRoutes(
    page={FRONTEND: PAGE, API: CALLS},
    api={API: (*CALLS, *MONITORING, *WEBHOOKS)},
    administration={API: ADMINISTRATION},
    region={API: (*OTHER_REGIONS, *MONITORING)},
    health=API,
)
