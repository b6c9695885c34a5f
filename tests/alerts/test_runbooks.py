"""What runbooks tell people to do can be done: commands, settings, workloads and figures that they name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY

import app.telemetry.metrics  # noqa: F401 - what it registers
from app.cli import main
from infra.settings import StackSettings
from ops.schema import node, stack_file_schema
from stacks.products.content_generation import content_generation
from stacks.profile import resolve
from tests.unit.program import ROOT

PAGES = sorted((ROOT / "docs/runbooks").glob("*.md"))
QUOTED = re.compile(r"`([^`]+)`")
VERBS = ("annotate", "delete", "exec", "get", "logs", "rollout", "top")


def quoted(page: Path) -> list[str]:
    return [" ".join(one.split()) for one in QUOTED.findall(page.read_text())]


def workloads() -> set[str]:
    least = {"environment": "prod", "domain": "example.com", "regions": ["us-east-1"]}
    return {one.name for one in content_generation(resolve(StackSettings.model_validate(least)))}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_ones_that_there_are(page: Path) -> None:
    commands = {command.name or command.callback.__name__ for command in main.registered_commands if command.callback}
    for one in quoted(page):
        if found := re.search(r"python -m app (\S+)", one):
            assert found[1] in {name.replace("_", "-") for name in commands}, one
        if one.startswith("kubectl"):
            assert re.match(rf"kubectl -n contentgen ({'|'.join(VERBS)}) ", one), one
            assert set(re.findall(r"deployment/(\S+)", one)) <= workloads(), one


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
        if re.fullmatch(r"[a-z]+(_[a-z]+)+", one) and one not in ("break_glass", "error_type"):
            assert one in told, one
