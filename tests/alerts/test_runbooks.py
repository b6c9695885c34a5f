"""Runbooks can be followed: commands, settings, workloads and metrics that they name exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY

import app.telemetry.metrics  # noqa: F401 - what it registers
from app.cli import main
from app.failures import FAILURES
from infra.settings.stack import StackSettings
from ops.schema import node, stack_file_schema
from stacks.plan import plan
from stacks.products.registry import PRODUCTS
from tests.unit.program import ROOT

PAGES = sorted((ROOT / "docs/runbooks").glob("*.md"))
QUOTED = re.compile(r"`([^`]+)`")
VERBS = ("annotate", "create", "delete", "exec", "get", "logs", "rollout", "top")


def quoted(page: Path) -> list[str]:
    return [" ".join(one.split()) for one in QUOTED.findall(page.read_text())]


NO_FIGURES = {"break_glass", "error_type", "jobs_default", "daily_costs", "cost_overrun", "created_at", *FAILURES}
"""A group, a label, a table and its column, and what a label may say."""
LEAST = {"environment": "prod", "domain": "example.com", "regions": ["us-east-1"]}
PRODUCTION = {
    one.namespace: plan("it", StackSettings.model_validate({**LEAST, "product": one.name})) for one in PRODUCTS.values()
}
"""Production of every product, by its namespace."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_ones_that_there_are(page: Path) -> None:
    commands = {command.name or command.callback.__name__ for command in main.registered_commands if command.callback}
    for one in quoted(page):
        if found := re.search(r"python -m app (\S+)", one):
            assert found[1] in {name.replace("_", "-") for name in commands}, one
        if one.startswith("kubectl"):
            asked = re.match(rf"kubectl -n (\S+) ({'|'.join(VERBS)}) ", one)
            assert asked, one
            plan_ = PRODUCTION[asked[1]]
            assert set(re.findall(r"deployment/(\S+)", one)) <= {workload.name for workload in plan_.workloads}, one
            assert set(re.findall(r"cronjob/(\S+)", one)) <= set(plan_.job_names), one


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_settings_are_ones_that_there_are(page: Path) -> None:
    schema = stack_file_schema()
    config = node(node(node(schema["properties"])["config"])["properties"])
    for key, field in re.findall(r"`(contentgen:[a-z]+)(?:\.<service>|\.worker)?(?:\.([a-z_]+))?`", page.read_text()):
        assert key in config, key
        if field:
            assert f'"{field}"' in yaml.safe_dump(schema["$defs"], default_style='"'), field


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_figures_are_ones_that_the_service_tells(page: Path) -> None:
    told = {name for metric in REGISTRY.collect() for name in (metric.name, f"{metric.name}_total")}
    for one in quoted(page):
        if re.fullmatch(r"[a-z]+(_[a-z]+)+", one) and one not in NO_FIGURES:
            assert one in told, one


def begun(tree: ast.Module) -> Iterator[str]:
    """Names of background tasks: keys of what functions called loops return, and of variables called loops."""
    for one in ast.walk(tree):
        if isinstance(one, ast.FunctionDef) and one.name.strip("_") == "loops":
            values = [part.value for part in ast.walk(one) if isinstance(part, ast.Return | ast.AnnAssign | ast.Assign)]
        elif isinstance(one, ast.Assign | ast.AnnAssign) and "loops" in ast.unparse(one).partition("=")[0]:
            values = [one.value]
        else:
            continue
        for value in values:
            if isinstance(value, ast.Dict):
                yield from (str(key.value) for key in value.keys if isinstance(key, ast.Constant))
        if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Subscript):
            yield str(ast.literal_eval(one.targets[0].slice))


def test_the_page_of_upkeep_lists_every_background_task() -> None:
    """By the source: no process runs all of them."""
    tasks = {name for file in sorted((ROOT / "app").rglob("*.py")) for name in begun(ast.parse(file.read_text()))}
    page = (ROOT / "docs/runbooks/upkeep.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in QUOTED.findall(row)} == tasks
    assert {"watch", "figures", "identity", "sweep", "limit"} <= tasks
