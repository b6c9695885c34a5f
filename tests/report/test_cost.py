"""Costs by region, hours, storage and replicas; what has no price is named."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from ops.console import Report
from ops.cost import refresh
from ops.cost.book import TABLE, Table, UnknownPriceError, load
from ops.cost.estimate import Priced, cost_notes, estimate
from ops.cost.quantities import quantity
from ops.cost.refresh import PriceListError, prices_in, refresh_prices
from ops.cost.workloads import DAYS_A_MONTH, runs_a_month
from ops.stack_files import planned
from tests.policies.declared import resources
from tests.report.events import PROVIDER
from tests.report.stack import DATABASE, DEPLOYMENT, SCALER, pod
from tests.unit.program import STACKS

BOOK = load()
NAMESPACE = "kubernetes:core/v1:Namespace"
LARGE = {"instanceClass": "db.t4g.large", "allocatedStorage": 100, "region": "us-east-1"}
OFFER = {
    "products": {
        "A": {
            "productFamily": "Database Instance",
            "attributes": {"instanceType": "db.t4g.large", "deploymentOption": "Single-AZ"},
        },
        "B": {
            "productFamily": "Database Instance",
            "attributes": {"instanceType": "db.t4g.large", "deploymentOption": "Multi-AZ"},
        },
    },
    "terms": {
        "OnDemand": {
            "A": {"A.1": {"priceDimensions": {"A.1.1": {"pricePerUnit": {"USD": "0.1310000000"}}}}},
            "B": {"B.1": {"priceDimensions": {"B.1.1": {"pricePerUnit": {"USD": "0.2620000000"}}}}},
        }
    },
}


def cost(type_: str, inputs: dict, provider: str = "") -> float:
    return estimate([Priced("it", type_, inputs, provider)], BOOK).total


def text_of(table: Path) -> str:
    return "".join(file.read_text() for file in sorted(table.iterdir()))


@pytest.mark.requirement("M04")
def test_a_database_costs_its_hours_and_its_storage_and_twice_that_in_two_zones() -> None:
    once = cost(DATABASE, LARGE)
    assert once == pytest.approx(0.129 * 730 + 100 * 0.115)
    assert cost(DATABASE, {**LARGE, "multiAz": True}) == pytest.approx(2 * once)


@pytest.mark.requirement("M04")
def test_prices_are_those_of_the_region() -> None:
    assert cost(DATABASE, {**LARGE, "region": "eu-west-1"}) == pytest.approx(0.143 * 730 + 100 * 0.127)


def test_pods_cost_their_requests_at_the_autoscalers_minimum() -> None:
    metadata = SCALER["resourcePreEvent"]["metadata"]  # type: ignore[index]
    scaler = Priced("cpm-hpa", metadata["type"], metadata["new"]["inputs"], PROVIDER)
    one = estimate([Priced("cpm", DEPLOYMENT, dict(pod("app")), PROVIDER)], BOOK).total
    two = estimate([scaler, Priced("cpm", DEPLOYMENT, dict(pod("app")), PROVIDER)], BOOK).total
    assert one == pytest.approx(730 * (0.25 * 0.04048 + 0.25 * 0.004445))
    assert two == pytest.approx(2 * one)


def test_a_replica_is_taken_to_be_as_large_as_is_assumed() -> None:
    replica = {"instanceClass": "db.t4g.large", "region": "us-east-1", "replicateSourceDb": "primary"}
    assert cost(DATABASE, replica) == pytest.approx(cost(DATABASE, LARGE))


@pytest.mark.requirement("M04")
@pytest.mark.parametrize(
    ("type_", "inputs", "told"),
    [
        ("aws:mq/broker:Broker", {"region": "us-east-1"}, "aws:mq/broker:Broker"),
        (DATABASE, {**LARGE, "instanceClass": "db.x1.huge"}, "rds db.x1.huge in us-east-1"),
        (DATABASE, {**LARGE, "region": "mars-1"}, "rds db.t4g.large in mars-1"),
    ],
)
def test_what_has_no_price_is_named_and_never_counted_as_nothing(type_: str, inputs: dict, told: str) -> None:
    found = estimate([Priced("it", type_, inputs)], BOOK)
    assert found.unpriced == (told,)
    assert found.by_resource == {}


def test_an_item_that_the_table_lacks_is_an_error_with_its_name() -> None:
    with pytest.raises(UnknownPriceError, match="gold in us-east-1"):
        BOOK.price("gold", "us-east-1")


def test_a_region_costs_its_control_plane_its_way_out_its_add_ons_its_logs_and_its_traffic() -> None:
    hours = 730 * (0.10 + 0.045 + 1 * 0.04048 + 2 * 0.004445)
    used = 20 * 0.50 + 100 * 0.045 + 100 * 0.09 + 100 * 0.02 + 50 * 0.02
    assert cost(NAMESPACE, {}, PROVIDER) == pytest.approx(hours + used)


def test_a_region_whose_database_is_in_several_zones_has_a_way_out_of_each() -> None:
    namespace = Priced("ns", NAMESPACE, {}, PROVIDER)
    single = estimate([namespace, Priced("db", DATABASE, LARGE)], BOOK)
    several = estimate([namespace, Priced("db", DATABASE, {**LARGE, "multiAz": True})], BOOK)
    of = namespace.key
    assert several.by_resource[of] - single.by_resource[of] == pytest.approx(2 * 0.045 * 730)


def test_the_maximum_is_every_workload_at_its_autoscalers_upper_end() -> None:
    spec = {"scaleTargetRef": {"name": "cpm"}, "minReplicas": 2, "maxReplicas": 10}
    scaler = Priced("cpm-hpa", "kubernetes:autoscaling/v2:HorizontalPodAutoscaler", {"spec": spec}, PROVIDER)
    found = estimate([scaler, Priced("cpm", DEPLOYMENT, dict(pod("app")), PROVIDER)], BOOK)
    assert found.at_maximum == pytest.approx(5 * found.total)


@pytest.mark.requirement("M04")
def test_two_resources_of_one_name_are_both_counted() -> None:
    key = Priced("data", "aws:kms/key:Key", {}, urn="urn:pulumi:prod::x::aws:kms/key:Key::data")
    database = Priced("data", DATABASE, LARGE, urn=f"urn:pulumi:prod::x::{DATABASE}::data")
    assert estimate([key, database], BOOK).total == pytest.approx(1.0 + cost(DATABASE, LARGE))


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("250m", 0.25), ("1", 1.0), (2, 2.0), ("0.5", 0.5), ("1G", 1e9), ("1000M", 1e9), ("1Gi", 2**30),
        ("1073741824", 2**30), (1e9, 1e9), ("1e9", 1e9), ("512Ki", 2**19), ("1k", 1000.0), ("100n", 1e-7),
        ("plenty", None), (True, None), (None, None),
    ],
)  # fmt: skip
def test_a_quantity_is_read_in_every_form_that_the_api_takes(written: object, number: float | None) -> None:
    assert quantity(written) == (None if number is None else pytest.approx(number))  # type: ignore[arg-type]


def of_kind(kind: str, spec: dict, requests: dict | None = None) -> tuple[str, dict]:
    asked = {"cpu": "1", "memory": "1Gi"} if requests is None else requests
    pod = {"containers": [{"name": "a", "resources": {"requests": asked}}]}
    holder = {**spec, "template": {"spec": pod}}
    return kind, {"metadata": {"name": "a"}, "spec": holder}


HOURLY = 0.04048 + 0.004445


@pytest.mark.parametrize(
    "kind",
    ["apps/v1:Deployment", "apps/v1:StatefulSet", "apps/v1:ReplicaSet", "core/v1:ReplicationController",
     "argoproj.io/v1alpha1:Rollout"],
)  # fmt: skip
def test_pods_of_every_kind_are_paid_for(kind: str) -> None:
    type_, inputs = of_kind(f"kubernetes:{kind}", {"replicas": 3})
    assert cost(type_, inputs, PROVIDER) == pytest.approx(3 * 730 * HOURLY)


def test_a_pod_a_job_a_claim_and_a_load_balancer_are_paid_for() -> None:
    container = {"name": "a", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}
    pod = {"spec": {"containers": [container]}}
    assert cost("kubernetes:core/v1:Pod", pod, PROVIDER) == pytest.approx(730 * HOURLY)
    job, inputs = of_kind("kubernetes:batch/v1:Job", {})
    assert cost(job, inputs, PROVIDER) == pytest.approx(5 / 60 * HOURLY)
    nightly = {"spec": {"schedule": "0 2 * * *", "jobTemplate": {"spec": inputs["spec"]}}}
    assert cost("kubernetes:batch/v1:CronJob", nightly, PROVIDER) == pytest.approx(365 / 12 * 5 / 60 * HOURLY)
    claim = {"spec": {"resources": {"requests": {"storage": "50Gi"}}}}
    assert cost("kubernetes:core/v1:PersistentVolumeClaim", claim, PROVIDER) == pytest.approx(50 * 0.08)
    balancer = {"spec": {"type": "LoadBalancer"}}
    assert cost("kubernetes:core/v1:Service", balancer, PROVIDER) == pytest.approx(730 * (0.0225 + 0.006))
    assert cost("kubernetes:core/v1:Service", {"spec": {}}, PROVIDER) == 0


def test_each_pod_of_a_stateful_set_has_its_own_volume() -> None:
    claim = {"spec": {"resources": {"requests": {"storage": "10G"}}}}
    type_, inputs = of_kind("kubernetes:apps/v1:StatefulSet", {"replicas": 3, "volumeClaimTemplates": [claim]}, {})
    assert cost(type_, inputs, PROVIDER) == pytest.approx(3 * 10e9 / 2**30 * 0.08)


@pytest.mark.parametrize(
    ("type_", "inputs", "told"),
    [
        (*of_kind("kubernetes:apps/v1:DaemonSet", {}), "kubernetes:apps/v1:DaemonSet: a pod a node"),
        ("kubernetes:helm.sh/v3:Release", {}, "its objects are not shown"),
        (*of_kind("kubernetes:apps/v1:Deployment", {}, {"cpu": "some"}), "cpu 'some'"),
        ("kubernetes:core/v1:PersistentVolumeClaim", {"spec": {}}, "storage 'None'"),
        ("kubernetes:batch/v1:CronJob", {"spec": {"schedule": "when it rains"}}, "schedule 'when it rains'"),
    ],
)
def test_what_nobody_can_tell_the_cost_of_is_named(type_: str, inputs: dict, told: str) -> None:
    found = estimate([Priced("it", type_, inputs, PROVIDER)], BOOK)
    assert [one for one in found.unpriced if told in one], found.unpriced
    assert found.by_resource == {}


@pytest.mark.parametrize(
    ("schedule", "a_day"),
    [
        ("0 * * * *", 24), ("*/15 * * * *", 96), ("0 2 * * *", 1), ("0 2,14 * * *", 2), ("0 8-17 * * *", 10),
        ("0 3 * * 0", 1 / 7), ("@daily", 1), ("@hourly", 24), ("30 4 * * 1-5", 5 / 7),
    ],
)  # fmt: skip
def test_runs_of_a_schedule_are_counted(schedule: str, a_day: float) -> None:
    assert runs_a_month(schedule) == pytest.approx(a_day * DAYS_A_MONTH)


@pytest.mark.parametrize(
    ("inputs", "dollars"),
    [
        ({"type": "HTTP"}, 0.5), ({"type": "HTTPS"}, 1.5), ({"type": "HTTPS_STR_MATCH"}, 2.5),
        ({"type": "HTTPS", "requestInterval": 10}, 2.5), ({"type": "HTTP", "measureLatency": True}, 1.5),
    ],
)  # fmt: skip
def test_every_option_of_a_health_check_is_paid_for(inputs: dict, dollars: float) -> None:
    assert cost("aws:route53/healthCheck:HealthCheck", inputs) == pytest.approx(dollars)


def test_only_monthly_budgets_of_costs_are_summed() -> None:
    def budget(name: str, **inputs: str) -> Priced:
        return Priced(name, "aws:budgets/budget:Budget", inputs)

    found = [
        budget("month", limitAmount="100", timeUnit="MONTHLY", budgetType="COST"),
        budget("day", limitAmount="50", timeUnit="DAILY", budgetType="COST"),
        budget("year", limitAmount="5000", timeUnit="ANNUALLY", budgetType="COST"),
        budget("hours", limitAmount="900", timeUnit="MONTHLY", budgetType="USAGE"),
    ]
    assert estimate(found, BOOK).budget == 100


@pytest.mark.parametrize(("days", "warned"), [(180, False), (181, True)])
def test_prices_read_more_than_180_days_ago_are_warned_of(days: int, warned: bool) -> None:
    notes = cost_notes(BOOK, BOOK.oldest + timedelta(days=days))
    assert any("prices were read 181 days ago" in note for note in notes) is warned


BUDGETS = {
    "stack": "budget",
    "local": 300,
    "dev": 300,
    "staging": 600,
    "prod": 3 * 1500,
    "workflow-dashboard-local": 300,
    "workflow-dashboard-staging": 400,
    "workflow-dashboard-prod": 800,
    "blog-ai-local": 300,
    "blog-ai-prod": 600,
    "recipe-app-local": 300,
    "recipe-app-prod": 1000,
    "video-gateway-local": 700,
    "video-gateway-staging": 900,
    "video-gateway-prod": 1000,
}
"""Monthly budgets that documents state, USD; a product without a document has its own in its tests."""


@pytest.mark.requirement("M01")
@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_stays_within_its_budget(root: Path, stack: str) -> None:
    declared = [
        Priced(one.name, one.type, one.properties, f"{one.provider}::") for one in resources(root, stack, preview=False)
    ]
    found = estimate(declared, BOOK)
    budget = BUDGETS.get(stack, planned(root, stack).profile.monthly_usd)
    assert found.budget == budget
    assert 0 < found.total < budget


@pytest.mark.requirement("M04")
@pytest.mark.parametrize("stack", [stack for stack in STACKS if stack.endswith("prod")])
def test_everything_that_production_declares_has_a_price_or_is_known_to_be_free(root: Path, stack: str) -> None:
    declared = [
        Priced(one.name, one.type, one.properties, f"{one.provider}::") for one in resources(root, stack, preview=False)
    ]
    found = estimate(declared, BOOK)
    assert found.unpriced == ()
    assert found.budget is not None
    assert found.total > 0


def test_every_price_says_where_and_when_it_was_read() -> None:
    for row in BOOK.table.prices:
        assert row.source.startswith("aws.amazon.com/"), row.item
        assert re.fullmatch(r"20[0-9]{2}-[01][0-9](-[0-3][0-9])?", row.read), row.item
        assert all(price > 0 for price in row.usd.values()), row.item


def test_the_list_gives_every_price_that_matches() -> None:
    single = {"instanceType": "db.t4g.large", "deploymentOption": "Single-AZ"}
    assert prices_in(OFFER, single) == {0.131}
    assert prices_in(OFFER, {"instanceType": "db.t4g.large"}) == {0.131, 0.262}
    assert prices_in(OFFER, {"instanceType": "db.gone"}) == set()


def test_of_a_price_with_tiers_the_first_counts() -> None:
    tiers = {
        f"A.{index}": {"beginRange": begin, "pricePerUnit": {"USD": usd}}
        for index, (begin, usd) in enumerate([("0", "0.023"), ("51200", "0.022"), ("512000", "0.021")])
    }
    terms = {"OnDemand": {"A": {"A.A": {"priceDimensions": tiers}}}}
    offer = {"products": {"A": {"attributes": {"volumeType": "Standard"}}}, "terms": terms}
    assert prices_in(offer, {"volumeType": "Standard"}) == {0.023}


def test_a_price_that_moved_is_written_with_todays_date_and_nothing_else_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "prices"
    shutil.copytree(TABLE, table)
    monkeypatch.setattr(refresh.httpx, "get", lambda url, timeout: _answer(url))
    with pytest.raises(PriceListError, match=r"s3 standard in us-east-1: 0 prices match; allowed is one") as raised:
        refresh_prices(table, "https://list", Report(), write=True)
    assert "rds db.t4g.large in us-east-1" not in str(raised.value)
    assert "rds db.t4g.large in us-east-1: 0.129 is now 0.131" in capsys.readouterr().out
    book = load(table)
    assert book.price("rds db.t4g.large", "us-east-1") == 0.131
    (row,) = (row for row in book.table.prices if row.item == "rds db.t4g.large")
    assert row.read == datetime.now(UTC).date().isoformat()
    before, after = text_of(TABLE).splitlines(), text_of(table).splitlines()
    assert len([1 for old, new in zip(before, after, strict=True) if old != new]) == 1


def test_a_list_that_cannot_be_reached_leaves_the_table_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "prices"
    shutil.copytree(TABLE, table)

    def refuse(url: str, timeout: float) -> httpx.Response:
        raise httpx.ConnectError("no route")

    monkeypatch.setattr(refresh.httpx, "get", refuse)
    with pytest.raises(PriceListError, match="the table stays as it is"):
        refresh_prices(table, "https://list", Report(), write=True)
    assert text_of(table) == text_of(TABLE)


def _answer(url: str) -> httpx.Response:
    """Single-AZ in the United States at another price; nothing else is in the list."""
    found = OFFER if "AmazonRDS" in url and "us-east-1/index" in url else {"products": {}, "terms": {}}
    text = json.dumps(found).replace('"deploymentOption"', '"databaseEngine": "PostgreSQL", "deploymentOption"')
    return httpx.Response(200, text=text, request=httpx.Request("GET", url))


def test_prices_of_a_further_file_are_found_and_an_item_in_two_files_is_refused(tmp_path: Path) -> None:
    shutil.copytree(TABLE, tmp_path, dirs_exist_ok=True)
    row = {"unit": "month", "usd": {"any": 3.0}, "source": "page", "read": "2026-01", "of": "aws:mq/broker:Broker"}
    further = tmp_path / "mq.yaml"
    further.write_text(json.dumps({"prices": [{"item": "broker", "amount": 2, **row}]}))
    found = estimate([Priced("it", "aws:mq/broker:Broker", {"region": "us-east-1"})], load(tmp_path))
    assert (found.total, found.unpriced) == (6.0, ())
    further.write_text(json.dumps({"prices": [{"item": "kms key", **row}]}))
    with pytest.raises(ValueError, match="kms key stands in it more than once"):
        load(tmp_path)


def test_the_table_refuses_a_row_with_a_field_that_it_does_not_have() -> None:
    with pytest.raises(ValueError, match="usdd"):
        Table.model_validate({"prices": [{"item": "x", "unit": "hour", "usdd": {}}], "assumptions": {}, "free": []})
