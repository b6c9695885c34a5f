"""Public paths of the API and those that the edge lets through are the same."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from fastapi import APIRouter

from app.api.application import ROUTERS, Role
from app.blog_ai.application import PART as BLOG_AI
from app.recipe_app.application import ROUTERS as RECIPES
from app.video_gateway.application import ROUTERS as VIDEOS
from app.workflow_dashboard.application import ROUTERS as WORKFLOWS
from infra.catalog.regions import in_priority_order
from ops.stack_files import read
from stacks.plan import plan
from stacks.products.text_routes import OTHER_REGIONS
from stacks.specs.paths import UNLIMITED_PATHS
from stacks.specs.route import RouteGroup
from tests.unit.program import ROOT


def covered(path: str, groups: tuple[RouteGroup, ...]) -> bool:
    """True if a route of the edge passes a path on; ``{...}`` stands for any one part."""
    concrete = path.replace("{", "").replace("}", "")
    return any(
        concrete.startswith(one) if one.endswith("/") and one != "/" else concrete == one
        for group in groups
        for one in group.paths
    )


def public_paths(routers: Sequence[APIRouter] = ROUTERS[Role.CPM]) -> list[str]:
    paths = {str(getattr(route, "path", "")) for router in routers for route in router.routes}
    return sorted(
        path for path in paths if not (path == "/" or path.startswith(("/metrics", "/static/", "/internal/")))
    )


@pytest.mark.requirement("X03")
@pytest.mark.requirement("K15")
@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_every_public_operation_has_a_route_at_the_edge(stack: str) -> None:
    settings = read(ROOT, stack)
    region = in_priority_order(settings.regions)[0]
    api = {host.name: host for host in plan("it", settings).hosts[region.code]}["api"]
    groups = tuple(group for groups in api.backends.values() for group in groups)
    closed = () if settings.admin.networks else ("/admin/",)
    missing = [path for path in public_paths() if not path.startswith(closed) and not covered(path, groups)]
    assert missing == []
    assert not covered("/internal/identity", groups), "what regions tell each other has no public route"
    assert not covered("/metrics", groups)


@pytest.mark.requirement("K15")
@pytest.mark.parametrize(
    ("stack", "routers", "closed"),
    [
        ("blog-ai-prod", BLOG_AI.routers, ("/admin/",)),
        ("recipe-app-prod", RECIPES, ("/api/admin/",)),
        ("video-gateway-prod", VIDEOS, ()),
        ("workflow-dashboard-prod", WORKFLOWS, ()),
    ],
    ids=["blog-ai", "recipe-app", "video-gateway", "workflow-dashboard"],
)
def test_every_operation_of_a_product_has_a_route_on_the_page_and_on_the_api(
    stack: str, routers: Sequence[APIRouter], closed: tuple[str, ...]
) -> None:
    settings = read(ROOT, stack)
    hosts = {host.name: host for host in plan(stack, settings).hosts[settings.regions[0]]}
    groups = {name: tuple(group for own in hosts[name].backends.values() for group in own) for name in ("site", "api")}
    asked = [path for path in public_paths(routers) if not path.startswith(closed)]
    assert [path for path in asked if not covered(path, groups["api"])] == []
    by_machines = (*UNLIMITED_PATHS, "/webhooks/")
    by_the_page = [path for path in asked if not path.startswith(by_machines)]
    assert [path for path in by_the_page if not covered(path, groups["site"])] == []
    for path in ("/metrics", *(f"{one}x" for one in closed)):
        assert not covered(path, groups["api"]), path


def test_a_region_answers_the_others_under_its_own_name() -> None:
    for path in ("/status/{job_id}", "/cancel/{job_id}", "/jobs/{job_id}", "/export", "/internal/identity"):
        assert covered(path, OTHER_REGIONS), path
    assert not covered("/generate", OTHER_REGIONS)


def test_what_monitors_ask_without_limit_is_what_the_service_does_not_count() -> None:
    from app.middleware.limits import UNLIMITED

    def monitored(path: str) -> bool:
        return any(path == one or (one.endswith("/") and path.startswith(one)) for one in UNLIMITED_PATHS)

    assert UNLIMITED - {"/metrics"} == {path for path in public_paths() if monitored(path)}
