"""TEMPLATE_name on what its stacks declare."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.cost.book import load
from ops.cost.estimate import Priced, estimate
from ops.stack_files import planned
from tests.policies.declared import resources
from tests.products.support import deployment, variables
from tests.unit.program import ROOT, Declare

LOCAL, PROD = "TEMPLATE_name-local", "TEMPLATE_name-prod"


@pytest.mark.parametrize(("stack", "least", "most"), [(LOCAL, 1, 2), (PROD, 2, 5)])
def test_an_autoscaler_keeps_the_instances_within_their_range(
    declare: Declare, stack: str, least: int, most: int
) -> None:
    engine = declare(stack)
    (scaler,) = engine.of("HorizontalPodAutoscaler")
    assert scaler.at("spec", "scaleTargetRef", "name") == "web"
    assert (scaler.at("spec", "minReplicas"), scaler.at("spec", "maxReplicas")) == (least, most)


@pytest.mark.parametrize("stack", [LOCAL, PROD])
def test_the_service_runs_this_product_with_its_own_variables(declare: Declare, stack: str) -> None:
    engine = declare(stack)
    args = deployment(engine, "web").at("spec", "template", "spec", "containers", 0, "args")
    assert args == ["serve", "--role", "TEMPLATE_name"]
    own = variables(engine, "web")
    assert (own["PRODUCT"], own["ITEM_ROWS"]) == ("TEMPLATE_name", "50")


def test_production_has_a_database_in_two_zones_that_no_update_deletes(declare: Declare) -> None:
    (database,) = declare(PROD).of("rds/instance:Instance")
    assert (database.at("multiAz"), database.at("deletionProtection")) == (True, True)
    assert database.at("dbName") == "TEMPLATE_package_db"


def test_page_and_api_lead_to_the_service() -> None:
    hosts = {host.name: host for host in planned(ROOT, PROD).hosts["us-east-1"]}
    paths = [path for group in hosts["site"].backends["web"] for path in group.paths]
    assert paths == ["/", "/static/", "/api/"]
    assert set(hosts["api"].backends) == set(hosts["region"].backends) == {"web"}


@pytest.mark.parametrize("stack", [LOCAL, PROD])
def test_errors_of_the_service_are_alerted(stack: str) -> None:
    (rule,) = [one for one in planned(ROOT, stack).alerts["answers"] if one.name == "ErrorsHigh"]
    assert (rule.about, rule.severity.value) == ("web", "critical")


@pytest.mark.parametrize(("stack", "budget"), [(LOCAL, 300), (PROD, 600)])
def test_a_stack_stays_within_its_budget(root: Path, stack: str, budget: int) -> None:
    made = resources(root, stack, preview=False)
    found = estimate([Priced(one.name, one.type, one.properties, f"{one.provider}::") for one in made], load())
    assert found.budget == budget
    assert 0 < found.total < budget
