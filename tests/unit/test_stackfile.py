"""The stack files of the project, and what is said about ones that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.settings.errors import SettingsError
from infra.settings.stack import DEFAULT_PRODUCT
from infra.settings.stack_file import stacks
from ops.stack_files import read
from stacks.products.registry import PRODUCTS

GOOD = "config:\n  contentgen:environment: dev\n  contentgen:domain: example.com\n  contentgen:regions: [us-east-1]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with one stack file that is right."""
    (tmp_path / "Pulumi.dev.yaml").write_text(GOOD)
    return tmp_path


def test_the_default_product_has_four_stacks_and_each_other_one_stacks_with_its_name(root: Path) -> None:
    of: dict[str, set[str]] = {}
    for stack in stacks(root):
        settings = read(root, stack)
        of.setdefault(settings.product, set()).add(stack)
        default = settings.product == DEFAULT_PRODUCT
        assert stack == (settings.environment if default else f"{settings.product}-{settings.environment}")
    assert of.pop(DEFAULT_PRODUCT) == {"dev", "local", "prod", "staging"}
    assert set(of) == set(PRODUCTS) - {DEFAULT_PRODUCT}
    for product, names in of.items():
        assert names == {f"{product}-{environment}" for environment in PRODUCTS[product].environments}


@pytest.mark.requirement("G01")
def test_prod_stands_in_three_regions_and_the_others_in_one(root: Path) -> None:
    regions = {stack: read(root, stack).regions for stack in stacks(root)}
    assert set(regions.pop("prod")) == {"us-east-1", "eu-west-1", "ap-southeast-1"}
    assert set(regions.values()) == {("us-east-1",)}


def test_only_local_runs_an_image_without_a_digest(root: Path) -> None:
    by_tag = [stack for stack in stacks(root) if "@sha256:" not in read(root, stack).image]
    assert by_tag == [stack for stack in stacks(root) if stack.endswith("local")]


def test_a_stack_without_a_file_is_told_which_there_are(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"Pulumi\.qa\.yaml.*\n.*stack = 'qa': .*; stacks are dev"):
        read(folder, "qa")


def test_malformed_yaml_is_told_its_line_and_column(folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").write_text("config:\n  contentgen:domain: 'open\n")
    with pytest.raises(SettingsError, match=r"Pulumi\.dev\.yaml: 1 setting .*\n  line 3, column 1 .*must be YAML"):
        read(folder, "dev")


@pytest.mark.parametrize("text", ["", "- a list\n", "config: 1\n", "confg: {}\n"])
def test_a_file_without_settings_is_told_what_belongs_there(folder: Path, text: str) -> None:
    (folder / "Pulumi.dev.yaml").write_text(text)
    with pytest.raises(SettingsError, match=r"config = .*must be a mapping of contentgen:"):
        read(folder, "dev")


def test_keys_of_providers_are_left_to_their_providers(folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").write_text(GOOD + "  aws:region: us-east-1\n  7: seven\n")
    assert read(folder, "dev").domain == "example.com"


def test_an_unknown_key_is_told_by_its_file_and_name(folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").write_text(GOOD + "  contentgen:domian: example.org\n")
    with pytest.raises(SettingsError, match=r"Pulumi\.dev\.yaml.*\n  contentgen:domian = 'example.org': no such key"):
        read(folder, "dev")
