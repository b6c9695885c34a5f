"""A project's table: what localcloud knows of a project, and what it says of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.paths import cache_root, state_root
from localcloud.project import FOLDER_VARIABLE, Project, ProjectError, project
from localcloud.toolchain import choice
from localcloud.toolchain.compiler import ToolchainError
from tests.localcloud.projects import NAME, written

IMAGES = "it must be the last part of an image's name, and none of postgres, redis, pgbouncer"
KEYS = "allowed: prefix, command, image, package, policies, policy-config"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the least that one needs, in whose folder this process works."""
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    for variable in ("SHOP_CACHE", "SHOP_STATE", "SHOP_TOOLS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(written(tmp_path / "shop", prefix="SHOP"))
    return tmp_path / "shop"


def test_the_least_is_a_prefix_and_the_rest_is_read_from_the_pulumi_file(shop: Path) -> None:
    assert project() == Project(shop, NAME, "SHOP")


def test_the_project_is_the_nearest_one_above_the_working_folder_unless_a_variable_names_one(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deeper = shop / "src" / "deeper"
    deeper.mkdir(parents=True)
    (shop / "src" / "pyproject.toml").write_text("[project]\nname = 'no-project-of-localcloud'\n")
    monkeypatch.chdir(deeper)
    assert project().folder == shop
    other = written(tmp_path / "other", prefix="OTHER")
    monkeypatch.setenv(FOLDER_VARIABLE, str(other))
    assert project().folder == other


def test_a_folder_outside_of_any_project_is_told_with_the_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectError, match=rf"neither {tmp_path} nor a folder above.*set {FOLDER_VARIABLE} to"):
        project()


def test_folders_and_variables_are_called_after_the_project(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_root().name == NAME
    assert state_root().parent.name == NAME
    monkeypatch.setenv("SHOP_CACHE", str(shop / "cache"))
    monkeypatch.setenv("SHOP_STATE", str(shop / "state"))
    assert (cache_root(), state_root()) == (shop / "cache", shop / "state")
    monkeypatch.setenv("SHOP_TOOLS", "nightly")
    with pytest.raises(ToolchainError, match="SHOP_TOOLS is 'nightly'"):
        choice.way()


def test_everything_that_is_wrong_is_told_at_once_with_file_key_value_and_what_is_allowed(tmp_path: Path) -> None:
    written(tmp_path, prefix="shop", image="redis", policies="none", policy_config=1, colour="red")
    (tmp_path / "Pulumi.yaml").unlink()
    with pytest.raises(ProjectError) as told:
        Project.read(tmp_path)
    where = f"{tmp_path}/pyproject.toml: tool.localcloud"
    assert str(told.value).splitlines() == [
        f"{where}.prefix is 'shop'; it must be capital letters, digits and underscores, a letter first, such as SHOP",
        f"{where}.image is 'redis'; {IMAGES}",
        f"{where}.policies is 'none'; it must be a folder of the project with PulumiPolicy.yaml",
        f"{where}.policy-config is 1; it must be a file of the project",
        f"{where}.colour is 'red', and there is no such key; {KEYS}",
        f"{where}.package is not there, and image is; it must be a folder of the project with __main__.py",
        f"{tmp_path}/Pulumi.yaml: name is not there; it must be the name of a Pulumi project",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", r"pyproject.toml has no \[tool.localcloud\]; fix: add it with prefix"),
        ("[tool]\nlocalcloud = 1\n", "tool.localcloud is 1; it must be a table"),
        ("[tool.localcloud\n", "cannot be read as TOML: "),
        ("[tool.localcloud]\n", "tool.localcloud.prefix is not there; it must be capital letters"),
    ],
)
def test_a_file_without_a_right_table_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    written(tmp_path, prefix="SHOP")
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ProjectError, match=problem):
        Project.read(tmp_path)


def test_this_checkout_is_a_project_whose_users_find_their_variables_and_folders(root: Path) -> None:
    own = Project.read(root)
    assert (own.name, own.prefix, own.command, own.policies) == ("contentgen", "CONTENTGEN", "make", "policies")
    assert own.application is not None
    assert (own.application.image, own.application.package) == ("contentgen", "app")
