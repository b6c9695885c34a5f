"""The top level as people who know Pulumi expect it: a project file, a file for each stack, a folder for each room."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml

ROOMS = ("infra", "stacks", "components", "app", "policies")


@pytest.mark.requirement("S02")
@pytest.mark.parametrize("name", [*ROOMS, "tests"])
def test_the_top_level_holds_the_rooms_that_were_asked_for(root: Path, name: str) -> None:
    assert (root / name / "__init__.py").is_file()


@pytest.mark.requirement("S02")
def test_the_program_that_pulumi_runs_is_in_infra(root: Path) -> None:
    project = yaml.safe_load((root / "Pulumi.yaml").read_text())
    assert (project["runtime"]["name"], project["main"]) == ("python", "infra/")
    assert (root / "infra" / "__main__.py").is_file()


@pytest.mark.requirement("S02")
@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_stack_file_is_of_the_environment_that_its_name_says(root: Path, name: str) -> None:
    config = yaml.safe_load((root / f"Pulumi.{name}.yaml").read_text())["config"]
    assert config["contentgen:environment"] == name


@pytest.mark.requirement("S02")
def test_each_room_is_installed_with_the_project(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())
    assert set(ROOMS) <= set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
