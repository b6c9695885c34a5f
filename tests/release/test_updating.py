"""Updates as steps of a release: what a failure left behind, and what stays when a release goes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.release import going_back
from ops.release.going_back import go_back
from ops.release.process import RefusedError, StepError
from ops.release.record import Release
from ops.release.updating import has_begun, update
from tests.release.engine import PretendedEngine
from tests.report.events import failed, lines, step

BUCKET = "aws:s3/bucket:Bucket"
OLDER = Release(commit="0123456789abcdef", image="registry.example.com/contentgen@sha256:" + "1" * 64, schema="0007")


def urn(name: str) -> str:
    return f"urn:pulumi:prod::contentgen::{BUCKET}::{name}"


@pytest.mark.requirement("L02")
def test_an_update_that_ends_before_its_first_change_was_refused(tmp_path: Path) -> None:
    engine = PretendedEngine(tmp_path)
    target = engine.target()
    engine.update_ends(255, "same", "read", "same")
    with pytest.raises(RefusedError, match="exit code 255 before it changed anything"):
        update(target, "--plan", "plan.json")
    ((arguments, _, folder),) = engine.calls("up")
    assert arguments[:5] == ["up", "--yes", "--non-interactive", "--stack", "prod"]
    assert "--policy-pack" in arguments
    assert Path(folder) == tmp_path


@pytest.mark.requirement("L02")
@pytest.mark.parametrize("operation", ["create", "update", "delete", "replace", "create-replacement"])
def test_an_update_that_had_begun_to_change_something_has_failed(tmp_path: Path, operation: str) -> None:
    engine = PretendedEngine(tmp_path)
    target = engine.target()
    engine.update_ends(1, "same", operation)
    with pytest.raises(StepError, match=r"ended with exit code 1$") as error:
        update(target)
    assert not isinstance(error.value, RefusedError)


def test_steps_that_an_update_only_planned_are_no_change() -> None:
    planned = '{"resourcePreEvent": {"planning": true, "metadata": {"op": "update"}}}'
    assert not has_begun([planned, '{"resourcePreEvent": {"metad'])
    assert has_begun([planned, planned.replace("true", "false")])


def test_the_words_of_an_update_are_shown_without_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    update(PretendedEngine(tmp_path).target())
    said = capsys.readouterr().out
    assert "connected to postgres://owner:[hidden]@db" in said
    assert "hunter2secret" not in said


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PretendedEngine:
    """A stack with two buckets that are protected and one that is not; the older release declares the first."""
    made = PretendedEngine(tmp_path)
    made.target()
    state = {"declared": True, "added": True, "free": False}
    made.resources(*({"urn": urn(name), "protect": protect} for name, protect in state.items()))
    monkeypatch.setattr(going_back, "checked_out", lambda commit, folder: tmp_path)
    return made


SAME = step("same", BUCKET, "declared", {}, {})
STUCK = failed('Preview failed: resource "added" cannot be deleted because it is protected')


@pytest.mark.requirement("L02")
def test_what_a_newer_release_added_and_protects_stays_and_is_named(engine: PretendedEngine) -> None:
    engine.preview(1, lines([SAME, step("delete", BUCKET, "added", {}, None), STUCK], "failed"))
    engine.preview(2, lines([SAME]))
    said: list[str] = []
    go_back(engine.target(), OLDER, (), said.append)
    ((arguments, variables, _),) = engine.calls("up")
    assert arguments[arguments.index("--exclude") + 1] == urn("added")
    assert arguments.count("--exclude") == 1
    assert "--skip-preview" in arguments
    assert "--policy-pack" in arguments
    assert said == ["added stays: it is protected, and 0123456789ab does not declare it"]
    assert variables["CONTENTGEN_COMMIT"] == OLDER.commit
    assert variables["CONTENTGEN_IMAGE"] == OLDER.image


@pytest.mark.requirement("L02")
def test_a_release_that_declares_everything_protected_goes_back_whole(engine: PretendedEngine) -> None:
    engine.preview(1, lines([SAME]))
    go_back(engine.target(), OLDER, (), lambda _: None)
    ((arguments, _, _),) = engine.calls("up")
    assert "--exclude" not in arguments


@pytest.mark.requirement("L02")
def test_an_older_program_that_fails_for_another_reason_is_not_deployed(engine: PretendedEngine) -> None:
    broken = lines([SAME, failed("the program raised ImportError")], "failed")
    engine.preview(1, broken)
    engine.preview(2, broken)
    with pytest.raises(StepError, match="cannot be deployed: the program raised ImportError"):
        go_back(engine.target(), OLDER, (), lambda _: None)
    assert engine.calls("up") == []
