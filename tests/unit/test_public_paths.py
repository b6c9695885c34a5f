"""Public paths of the API and those that the edge lets through are the same."""

from __future__ import annotations

import pytest

from app.api.application import ROUTERS, Role
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


def public_paths() -> list[str]:
    routes = [route for router in ROUTERS[Role.CPM] for route in router.routes]
    paths = {str(getattr(route, "path", "")) for route in routes}
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


def test_a_region_answers_the_others_under_its_own_name() -> None:
    for path in ("/status/{job_id}", "/cancel/{job_id}", "/jobs/{job_id}", "/export", "/internal/identity"):
        assert covered(path, OTHER_REGIONS), path
    assert not covered("/generate", OTHER_REGIONS)


def test_what_monitors_ask_without_limit_is_what_the_service_does_not_count() -> None:
    from app.middleware.limits import UNLIMITED

    def monitored(path: str) -> bool:
        return any(path == one or (one.endswith("/") and path.startswith(one)) for one in UNLIMITED_PATHS)

    assert UNLIMITED - {"/metrics"} == {path for path in public_paths() if monitored(path)}
