"""`make pr-check` when something goes wrong: every stack keeps its row, and the comment says why."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from localcloud.cluster import ClusterError
from localcloud.engine import EngineError
from ops import previewing, pull_request
from ops.commits import CommitError
from ops.console import Report
from ops.previewing import PreviewError, preview_events
from ops.untouched import untouched
from tests.release.engine import PretendedEngine
from tests.report.events import lines

Told = Callable[..., str]


@pytest.fixture
def told(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """The comment of a check whose base and previews are what a test says; nothing runs."""
    monkeypatch.setattr(pull_request, "CHECKOUT", tmp_path / "head")
    for folder in ("head", "base"):
        (tmp_path / folder).mkdir()
    for name in ("policies", "infra", "docs", "stacks", "ops", *(path.name for path in root.glob("Pulumi.*.yaml"))):
        (tmp_path / "head" / name).symlink_to(root / name)
    monkeypatch.setenv("CONTENTGEN_STATE", os.environ.get("CONTENTGEN_STATE", ""))

    def run(stacks: list[str], base: Exception | None = None, **outcomes: Exception | None) -> str:
        def taken(commit: str, folder: Path) -> Path:
            if base is not None:
                raise base
            folder.symlink_to(root)
            return folder

        def previewed(stack: str, *_: object, **__: object) -> object:
            outcome = outcomes.get(stack)
            if outcome is not None:
                raise outcome
            events = tmp_path / f"{stack}.json"
            events.write_text("".join(lines([])))
            return pull_request._Previewed(events, None)

        monkeypatch.setattr(pull_request, "checked_out", taken)
        monkeypatch.setattr(pull_request, "untouched", lambda checkout, base, stack: stack == "dev")
        monkeypatch.setattr(pull_request, "_previewed", previewed)
        passes = pull_request.check_pull_request("base", stacks, Report())
        assert passes is not (base is not None or any(outcomes.values()))
        return (tmp_path / "head" / "reports" / "preview.md").read_text()

    return run


@pytest.mark.requirement("S04")
@pytest.mark.parametrize(
    "error",
    [
        CommitError("origin/main is no commit here: fatal; fix: git fetch"),
        subprocess.CalledProcessError(1, ["ops/bootstrap.py"]),
        OSError(28, "No space left on device"),
    ],
)
def test_a_base_that_cannot_be_taken_is_told_in_the_row_of_every_stack(told: Told, error: Exception) -> None:
    text = told(["local", "prod"], base=error)
    first = "**FAILED: local, prod.** local: could not be previewed; prod: could not be previewed"
    assert text.splitlines()[0] == first
    assert text.count("the base cannot be taken: ") == 2


@pytest.mark.requirement("S04")
@pytest.mark.parametrize(
    "error", [EngineError("pulumi up ended with exit code 1"), ClusterError("no answer"), ValueError("surprise")]
)
def test_whatever_stops_one_stack_is_told_in_its_row_and_the_others_keep_theirs(told: Told, error: Exception) -> None:
    text = told(["local", "prod"], prod=error)
    assert text.startswith("**FAILED: prod.** local: no change; prod: could not be previewed")
    assert str(error) in text


def test_a_check_without_a_problem_passes(told: Told) -> None:
    assert told(["local", "prod"]).startswith("**Passes.** local: no change; prod: no change")


def test_a_stack_that_the_change_cannot_touch_is_not_looked_at_and_says_so(told: Told) -> None:
    text = told(["dev", "prod"])
    assert text.startswith("**Passes.** prod: no change; dev: untouched")
    assert "| dev | passes | 0 | 0 | 0 | 0 | all | 0 | 0 | 0 |" in text.splitlines()
    assert told(["dev"], base=None).startswith("**Passes.** dev: untouched")


def commit(folder: Path) -> None:
    own = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    for arguments in (["init", "-q"], ["add", "-A"], [*own, "commit", "-q", "-m", "base"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)  # noqa: S607 - the user's own


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checkout of one commit, with a file in each place."""
    names = ("stacks/plan.py", "docs/page.md", "tests/test_a.py", "Pulumi.dev.yaml", "Pulumi.prod.yaml")
    for name in (*names, "policies/exemptions.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("[]\n")
    commit(tmp_path)
    return tmp_path


CHANGES = [
    ("docs/page.md", {"dev": True, "prod": True}),
    ("tests/test_a.py", {"dev": True, "prod": True}),
    ("README.md", {"dev": True, "prod": True}),
    ("stacks/plan.py", {"dev": False, "prod": False}),
    ("stacks/new.py", {"dev": False, "prod": False}),
    ("Pulumi.prod.yaml", {"dev": True, "prod": False}),
]


@pytest.mark.parametrize(("name", "left"), CHANGES)
def test_only_a_stack_of_which_no_file_changes_is_untouched(repository: Path, name: str, left: dict[str, bool]) -> None:
    (repository / name).write_text("2\n")
    assert {stack: untouched(repository, "HEAD", stack) for stack in left} == left


def test_a_stack_with_an_exemption_or_without_a_base_counts_as_touched(repository: Path) -> None:
    assert not untouched(repository, "no-such-commit", "prod")
    entry = {
        "rule": "a",
        "resource": "b",
        "owner": "c",
        "reason": "it goes away in March",
        "expires": "2027-03-31",
        "stacks": ["prod"],
    }
    (repository / "policies" / "exemptions.yaml").write_text(yaml.safe_dump([{**entry, "type": "t"}]))
    commit(repository)
    assert {stack: untouched(repository, "HEAD", stack) for stack in ("dev", "prod")} == {"dev": True, "prod": False}
    (repository / "policies" / "exemptions.yaml").write_text("- wrong\n")
    commit(repository)
    assert not untouched(repository, "HEAD", "dev")


def test_a_base_that_is_never_done_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text("#!/bin/sh\nexec sleep 60\n")
    python.chmod(0o755)
    monkeypatch.setattr(pull_request, "DEPLOY_SECONDS", 0.2)
    with pytest.raises(PreviewError, match=r"local: the base was not deployed within 0\.2 s"):
        pull_request._deploy(tmp_path, "local")


def test_a_base_with_other_dependencies_is_deployed_by_its_own_python(tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "Diagnostics: own python: $4 $5"\nexit 1\n')
    python.chmod(0o755)
    with pytest.raises(PreviewError, match="own python: --stack local"):
        pull_request._deploy(tmp_path, "local")


def test_a_preview_that_is_never_done_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = PretendedEngine(tmp_path).target()
    (tmp_path / "pulumi").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(previewing, "LIMIT_SECONDS", 0.2)
    with pytest.raises(PreviewError, match=r"prod: the preview did not end within 0\.2 s"):
        preview_events(target, tmp_path / "events.json")
