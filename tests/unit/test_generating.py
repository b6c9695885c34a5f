"""The files made from the code: they are up to date, they are right, and what is out of date is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from infra.catalog.headers import SECURITY_HEADERS
from infra.settings.exemptions import EXEMPTIONS
from infra.settings.stack import StackSettings
from infra.settings.stack_file import stacks
from ops.console import Report
from ops.generating import POLICY_FOLDER, SCHEMA, SETTINGS_PAGE, differing, generate, generated
from ops.schema import stack_file_schema
from ops.stack_files import read
from stacks.policy_config import policy_config
from stacks.products.registry import PRODUCTS

FIRST_LINE = f"# yaml-language-server: $schema={SCHEMA}"
LEAST = {
    "contentgen:environment": "dev",
    "contentgen:domain": "example.com",
    "contentgen:regions": ["us-east-1"],
}


def problems(config: Mapping[str, object], **engine: object) -> list[str]:
    validator = Draft7Validator(stack_file_schema())
    found = validator.iter_errors({"config": {**LEAST, **config}, **engine})
    return [f"{'.'.join(map(str, one.absolute_path))}: {one.message}" for one in found]


def test_the_generated_files_are_what_the_code_generates(root: Path) -> None:
    assert differing(root, generated(root)) == []


def test_every_stack_file_satisfies_the_schema_and_names_it_in_its_first_line(root: Path) -> None:
    schema = json.loads((root / SCHEMA).read_text())
    Draft7Validator.check_schema(schema)
    for stack in stacks(root):
        text = (root / f"Pulumi.{stack}.yaml").read_text()
        assert text.splitlines()[0] == FIRST_LINE
        assert list(Draft7Validator(schema).iter_errors(yaml.safe_load(text))) == []


@pytest.mark.parametrize(
    ("config", "where"),
    [
        ({"contentgen:colour": "blue"}, "colour"),
        ({"contentgen:environment": "qa"}, "contentgen:environment"),
        ({"contentgen:regions": ["mars-1"]}, "contentgen:regions"),
        ({"contentgen:services": {"cpm": {"maximum": 11}}}, "contentgen:services.cpm.maximum: 11 is greater"),
        ({"contentgen:services": {"im": {"minimum": 6}}}, "contentgen:services.im.minimum: 6 is greater"),
        ({"contentgen:services": {"api": {}}}, "contentgen:services"),
        ({"contentgen:postgres": {"storage_gb": 101}}, "contentgen:postgres.storage_gb: 101 is greater"),
        ({"contentgen:postgres": {"size": 1}}, "contentgen:postgres"),
        ({"contentgen:clusters": {"mars-1": {}}}, "contentgen:clusters"),
        ({"contentgn:domain": "example.com"}, "contentgn:domain"),
    ],
)
def test_a_wrong_stack_file_does_not_satisfy_the_schema(config: Mapping[str, object], where: str) -> None:
    found = problems(config)
    assert any(where in problem for problem in found), found


def test_what_the_engine_and_providers_keep_in_a_stack_file_is_allowed() -> None:
    secured = {"aws:secretKey": {"secure": "v1:abc:def"}, "aws:region": "us-east-1"}
    assert problems(secured, encryptionsalt="v1:abc", secretsprovider="awskms://alias/x") == []
    assert problems({}, encryptionsalt="v1:abc", salt="x") != []


def test_every_key_of_the_settings_is_in_the_schema_and_on_the_page(root: Path) -> None:
    config = json.loads((root / SCHEMA).read_text())["properties"]["config"]["properties"]
    page = (root / SETTINGS_PAGE).read_text()
    assert set(config) == {f"contentgen:{name}" for name in StackSettings.model_fields}
    for name in StackSettings.model_fields:
        assert f"| `{name}" in page


INSTANCES = {
    "content-generation": {"cpm": 10, "im": 5, "worker": 5, "frontend": 5},
    "workflow-dashboard": {"backend": 3, "frontend": 4},
    "blog-ai": {"blog-ai": 10},
    "recipe-app": {"recipe-backend": 10, "frontend": 5, "ai-generation": 10, "video-processor": 3},
    "video-gateway": {"comfyui-gateway": 10, "frontend": 5},
}
"""Limits that documents state; a product without a document has them in its own tests."""


def test_a_policy_configuration_carries_the_limits_the_headers_and_the_level_of_its_stack(root: Path) -> None:
    levels = {}
    for stack in stacks(root):
        config = json.loads((root / POLICY_FOLDER / f"{stack}.json").read_text())
        assert config == policy_config(read(root, stack))
        assert config["security-headers"]["headers"] == SECURITY_HEADERS
        product = read(root, stack).product
        services = INSTANCES.get(product) or PRODUCTS[product].limits.instances
        assert config["scale-limits"]["instances"] == {**services, "pgbouncer": 3}
        levels[stack] = config["all"]["enforcementLevel"]
    assert {stack for stack, level in levels.items() if level != "mandatory"} == {"dev"}
    assert levels["dev"] == "advisory"


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """A project with the stack files and everything generated."""
    for stack in stacks(root):
        shutil.copy(root / f"Pulumi.{stack}.yaml", tmp_path)
    (tmp_path / EXEMPTIONS.parent).mkdir()
    shutil.copy(root / EXEMPTIONS, tmp_path / EXEMPTIONS)
    assert generate(tmp_path, Report(), check=False)
    return tmp_path


def test_check_names_each_file_that_differs_and_changes_nothing(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / SETTINGS_PAGE).write_text("by hand")
    (copy / SCHEMA).unlink()
    (copy / POLICY_FOLDER / "gone.json").write_text("{}")
    capsys.readouterr()
    assert not generate(copy, Report(), check=True)
    told = capsys.readouterr().out
    for path in (SETTINGS_PAGE, SCHEMA, POLICY_FOLDER / "gone.json"):
        assert f"{path}: is not what the code generates; fix: make generated" in told
    assert f"{POLICY_FOLDER / 'dev.json'}" not in told
    assert (copy / SETTINGS_PAGE).read_text() == "by hand"


def test_generating_writes_what_differs_and_removes_what_no_stack_needs(copy: Path) -> None:
    (copy / SETTINGS_PAGE).write_text("by hand")
    (copy / POLICY_FOLDER / "gone.json").write_text("{}")
    assert generate(copy, Report(), check=False)
    assert differing(copy, generated(copy)) == []
    assert generate(copy, Report(), check=True)
