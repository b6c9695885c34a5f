"""Lists of stacks that workflows go through: every stack of an environment, of every product."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from infra.settings.environment import Environment
from infra.settings.errors import SettingsError
from ops.console import Report
from ops.delivered_stacks import delivered, tell
from ops.workflow_lists import WORKFLOWS, ListMissingError, workflow_lists
from tests.workflows.reading import of_environment

OTHERS = {"recipe-app", "workflow-dashboard", "blog-ai", "video-gateway"}


@pytest.mark.parametrize(
    ("environments", "least"),
    [
        (["dev"], {"dev"}),
        (["staging"], {"staging", "workflow-dashboard-staging", "video-gateway-staging"}),
        (["prod"], {"prod", *(f"{product}-prod" for product in OTHERS)}),
        ([], {"dev", "staging", "prod", "recipe-app-prod"}),
    ],
)
def test_a_matrix_has_every_stack_of_its_environment_and_no_local_one(
    root: Path, environments: list[str], least: set[str]
) -> None:
    found = delivered(root, map(Environment, environments))
    assert found == of_environment(root, *(environments or ["dev", "staging", "prod"]))
    assert least <= set(found)


def test_lists_of_workflows_are_written_from_the_stack_files(root: Path, folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / WORKFLOWS
    copy.mkdir(parents=True)
    for name in ("preview.yaml", "deploy.yaml"):
        shutil.copy(folder / name, copy)
    for stack in ("local", "staging", "prod"):
        shutil.copy(root / f"Pulumi.{stack}.yaml", tmp_path)
    written = {path.stem: yaml.safe_load(text) for path, text in workflow_lists(tmp_path).items()}
    assert written["preview"]["jobs"]["preview"]["strategy"]["matrix"]["stack"] == ["local", "prod", "staging"]
    assert written["deploy"][True]["workflow_dispatch"]["inputs"]["stack"]["options"] == ["staging"]
    (copy / "deploy.yaml").write_text("on: push\n")
    with pytest.raises(ListMissingError, match=r"deploy\.yaml: has 0 lists"):
        workflow_lists(tmp_path)


def test_an_organisation_names_the_stacks_that_it_runs_and_a_wrong_name_is_refused(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = delivered(root, [Environment.PROD], ["staging", "recipe-app-prod"])
    assert found == ["recipe-app-prod"]
    tell(found, Report(), {"GITHUB_OUTPUT": str(tmp_path / "out")})
    assert json.loads(capsys.readouterr().out) == ["recipe-app-prod"]
    assert (tmp_path / "out").read_text() == 'stacks=["recipe-app-prod"]\n'
    with pytest.raises(SettingsError, match=r"'local': must be of a real environment: blog-ai-prod, .*, staging"):
        delivered(root, [], ["local"])
