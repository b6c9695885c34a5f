"""Trust in a pull request's own run: it hands on data, and nothing that is shown or run as it is."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tests.workflows.reading import NAMES, commands, jobs, read, steps


def test_nothing_that_holds_inputs_in_clear_is_uploaded(folder: Path) -> None:
    """Everybody who may read the repository may read an artifact."""
    uploaded = {
        path
        for name in NAMES
        for job in jobs(read(folder, name))
        for one in steps(job)
        if "upload-artifact" in str(one.get("uses"))
        for path in str(dict(one["with"])["path"]).split()  # type: ignore[call-overload]
    }
    allowed = {"reports/plan.json", "reports/plan-facts.json"}
    assert {one for one in uploaded if "plan" in one or "event" in one or "preview" in one} <= allowed
    assert not any("*" in one for one in uploaded)


def test_which_pull_request_a_comment_is_for_the_platform_says_and_no_artifact(folder: Path) -> None:
    (job,) = jobs(read(folder, "comment"))
    (step,) = [one for one in steps(job) if str(one.get("run", "")).startswith("make comment")]
    given = dict(step["env"])  # type: ignore[call-overload]
    of_run = "github.event.workflow_run"
    assert given["HEAD_OWNER"] == f"${{{{ {of_run}.head_repository.owner.login }}}}"
    assert given["HEAD_BRANCH"] == f"${{{{ {of_run}.head_branch }}}}"
    assert given["HEAD_COMMIT"] == f"${{{{ {of_run}.head_sha }}}}"
    assert given["RUN_ADDRESS"] == f"${{{{ {of_run}.html_url }}}}"
    assert given["RUN_ENDED"] == f"${{{{ {of_run}.updated_at }}}}"
    assert given["RUN_CONCLUSION"] == f"${{{{ {of_run}.conclusion }}}}"
    assert "number" not in (folder / "preview.yaml").read_text().partition("jobs:")[2]


def test_a_preview_hands_on_data_and_no_text_that_anybody_would_show(folder: Path) -> None:
    (job,) = jobs(read(folder, "preview"))
    (upload,) = [one for one in steps(job) if "upload-artifact" in str(one.get("uses"))]
    given = dict(upload["with"])  # type: ignore[call-overload]
    assert given["name"] == "preview-${{ matrix.stack }}"
    assert given["path"] == "reports/data/${{ matrix.stack }}/report.json"


def test_a_preview_is_against_the_base_that_was_merged_and_not_an_older_one(folder: Path) -> None:
    (command,) = [one for one in commands(read(folder, "preview")) if one.startswith("make pr-check")]
    assert command.endswith(" BASE=HEAD^1")


def test_no_text_of_a_pull_request_reaches_a_shell(folder: Path) -> None:
    for path in folder.glob("*.yaml"):
        for command in commands(yaml.safe_load(path.read_text())):
            assert not re.search(r"\$\{\{[^}]*(title|body|head_ref|\.head\.ref|label)", command), (
                f"{path.name}: {command}"
            )
