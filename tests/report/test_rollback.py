"""The way back of a pull request: its verdict from the engine's events, its row in the comment, and its limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from localcloud.cloud import CloudError
from localcloud.engine import Engine, EngineError
from localcloud.toolchain.origin import Toolchain
from ops import deployment, way_back
from ops.report.collecting import StackReport, collected
from ops.report.data import Rollback, StackData
from ops.report.events import complaints, parse
from ops.report.markdown import render
from ops.report.rollback import not_tried
from ops.target import Target
from tests.release.engine import PretendedEngine
from tests.report.events import failed, lines, said, step
from tests.report.stack import DATABASE, LARGE, SMALL, pod, reported

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
CHANGED = [step("update", DEPLOYMENT, "cpm", pod("a@sha256:aa"), pod("a@sha256:bb"), {"spec.template": "update"})]
BACK = lines([step("update", DEPLOYMENT, "cpm", pod("a@sha256:bb"), pod("a@sha256:aa"), {"spec.template": "update"})])
REPLACED = lines(
    [step("replace", DATABASE, "primary", LARGE, SMALL, {"engineVersion": "update-replace", "instanceClass": "update"})]
)
ADDED = step("delete", "aws:s3/bucket:Bucket", "exports", {}, None)
ADDED_URN = "urn:pulumi:prod::contentgen::aws:s3/bucket:Bucket::exports"
STUCK = failed('Preview failed: resource "exports" cannot be deleted because it is protected')
MIGRATION = failed("job migrate failed: column topic is gone; postgres://owner:hunter2@db/app")

Ends = Callable[..., None]


class Stack:
    """A stack whose engine plays what a test wrote: events of previews, and how each update ends."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.updates: list[tuple[str, ...]] = []
        self.ends: list[list[dict[str, object]] | None] = [None, None]
        self.pretended = PretendedEngine(folder)
        (folder / "tmp").mkdir()
        self.base = folder / "base"
        (self.base / "policies" / "config").mkdir(parents=True)
        (self.base / "policies" / "config" / "prod.json").write_text("{}")
        engine = Engine("prod", folder, folder / "cloud.json", cast("Toolchain", SimpleNamespace()))
        self.target = Target(**{**vars(self.pretended.target()), "engine": engine})
        monkeypatch.setattr(Engine, "run", self._run)
        monkeypatch.setattr(Target, "of_checkout", lambda target, checkout, image: target)
        monkeypatch.setattr(deployment, "await_answers", lambda engine: None)
        self.waited: list[float] = []
        monkeypatch.setattr(
            way_back, "wait_for_rollouts", lambda target, settings, seconds: self.waited.append(seconds)
        )

    def _run(self, *arguments: str, seconds: float, variables: dict[str, str]) -> None:
        assert 0 < seconds <= 300
        assert variables == {"PULUMI_DEBUG_COMMANDS": "true"}
        end = self.ends[len(self.updates)]
        self.updates.append(arguments)
        if end is not None:
            events = Path(arguments[arguments.index("--event-log") + 1])
            assert events.stat().st_mode & 0o077 == 0
            events.write_text("".join(lines(end, None)))
            raise EngineError("pulumi up ended with exit code 255")

    def verdict(self, *changes: dict[str, object], result: str = "succeeded") -> Rollback:
        preview = parse("prod", lines(changes or CHANGED, result))
        return way_back.tried(self.target, preview, self.base, "image@sha256:aa", lambda _: None)


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    return Stack(tmp_path, monkeypatch)


@pytest.mark.requirement("S04")
def test_a_change_that_the_base_takes_back_goes_back_cleanly_and_says_how_long_it_took(stack: Stack) -> None:
    stack.pretended.preview(1, BACK)
    found = stack.verdict()
    assert (found.verdict, found.because, found.staying) == ("clean", (), ())
    assert found.seconds >= 1
    assert len(stack.waited) == 1
    assert 0 < stack.waited[0] <= 300
    assert [one[:3] for one in stack.updates] == [("up", "--yes", "--skip-preview")] * 2
    assert not (stack.target.engine.folder / "tmp" / "way-back.json").exists()  # type: ignore[union-attr]


@pytest.mark.requirement("S04")
def test_a_change_that_replaces_a_database_when_it_goes_back_says_which_and_why(stack: Stack) -> None:
    stack.pretended.preview(1, REPLACED)
    found = stack.verdict()
    assert found.verdict == "loses data"
    assert found.because == (
        "primary (aws:rds/instance:Instance) would be replaced with its data because of engineVersion",
    )


def test_a_protected_addition_stays_and_is_left_out_of_the_update(stack: Stack) -> None:
    stack.pretended.resources({"urn": ADDED_URN, "protect": True})
    stack.pretended.preview(1, lines([ADDED, STUCK], "failed"))
    stack.pretended.preview(2, BACK)
    found = stack.verdict()
    assert (found.verdict, found.staying) == ("clean", ("exports",))
    assert stack.updates[1][-2:] == ("--exclude", ADDED_URN)


def test_an_unprotected_addition_with_data_is_lost_on_the_way_back(stack: Stack) -> None:
    stack.pretended.preview(1, lines([ADDED]))
    assert stack.verdict().because == ("exports (aws:s3/bucket:Bucket) would be deleted with its data",)


def test_a_base_that_cannot_be_previewed_on_what_the_change_left_makes_it_impossible(stack: Stack) -> None:
    broken = lines([failed("the program raised KeyError: 'queue'")], "failed")
    stack.pretended.preview(1, broken)
    stack.pretended.preview(2, broken)
    found = stack.verdict()
    assert found.verdict == "impossible"
    assert "the program raised KeyError" in found.because[0]
    assert len(stack.updates) == 1


@pytest.mark.requirement("S04")
@pytest.mark.parametrize(("place", "because"), [(0, "this change cannot"), (1, "the base cannot")])
def test_an_update_that_fails_makes_it_impossible_with_the_engines_reason_and_no_secret(
    stack: Stack, place: int, because: str
) -> None:
    stack.pretended.preview(1, BACK)
    stack.ends[place] = [MIGRATION]
    found = stack.verdict()
    assert found.verdict == "impossible"
    assert found.because[0].startswith(because)
    assert "column topic is gone; postgres://owner:[hidden]@db/app" in found.because[0]


def test_an_update_without_a_reason_is_told_by_its_exit_code(stack: Stack) -> None:
    stack.ends[0] = []
    assert stack.verdict().because == ("this change cannot be applied to the base: pulumi up ended with exit code 255",)


def test_a_base_that_does_not_answer_afterwards_makes_it_impossible(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_: Engine) -> None:
        raise CloudError("http://127.0.0.1:8080/live does not answer: status 503")

    monkeypatch.setattr(deployment, "await_answers", silent)
    stack.pretended.preview(1, BACK)
    found = stack.verdict()
    assert (found.verdict, "status 503" in found.because[0]) == ("impossible", True)


@pytest.mark.parametrize("place", [0, 1])
def test_a_stack_that_takes_longer_than_five_minutes_is_not_judged(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    clock = {"now": 0.0}
    monkeypatch.setattr(way_back.time, "monotonic", lambda: clock["now"])
    run = stack._run

    def slow(*arguments: str, seconds: float, variables: dict[str, str]) -> None:
        clock["now"] += 301 if len(stack.updates) == place else 0
        run(*arguments, seconds=seconds, variables=variables)

    monkeypatch.setattr(Engine, "run", slow)
    stack.pretended.preview(1, BACK)
    stack.ends[place] = [failed("update canceled")]
    assert stack.verdict() == not_tried("it takes longer than 300 s")


def test_what_stands_in_the_way_is_said_and_the_engine_left_alone(stack: Stack) -> None:
    assert stack.verdict(failed("no such setting"), result="failed").because == ("the preview of this change fails",)
    wrong = said("budget", "the stack: has no monthly budget")
    assert stack.verdict(*CHANGED, wrong, result="failed").because == ("a policy stops this change",)
    (stack.base / "policies" / "config" / "prod.json").unlink()
    assert stack.verdict().because == ("the base does not have this stack",)
    assert stack.updates == []


def test_a_stack_that_does_not_change_goes_back_without_a_try(stack: Stack) -> None:
    assert stack.verdict(step("same", DATABASE, "primary", SMALL, SMALL)) == Rollback(verdict="clean")
    assert stack.updates == []


def test_errors_are_read_from_events_that_are_cut_off_anywhere() -> None:
    whole = "".join(lines([MIGRATION, failed("update failed"), MIGRATION], None))
    assert len(complaints(whole.splitlines())) == 1
    for end in range(0, len(whole), 17):
        assert len(complaints(whole[:end].splitlines())) <= 1


def with_way_back(found: Rollback) -> StackData:
    report = reported("prod", CHANGED)
    return collected(StackReport(report.preview, report.levels, report.before, report.after, rollback=found))


ROWS = [
    (Rollback(verdict="clean", seconds=42), "- prod: goes back cleanly in 42 s"),
    (Rollback(verdict="clean"), "- prod: goes back cleanly, because nothing changes"),
    (
        Rollback(verdict="clean", seconds=130, staying=("exports",)),
        "- prod: goes back cleanly in 2 min; protected additions stay: `exports`",
    ),
    (Rollback(verdict="loses data", because=("a", "b|c`")), "- prod: **going back loses data**: `a`; `b\\|c'`"),
    (Rollback(verdict="impossible", because=("<b>x</b>",)), "- prod: **impossible**: `<b>x</b>`"),
    (not_tried("the base does not have this stack"), "- prod: not tried: `the base does not have this stack`"),
]


@pytest.mark.requirement("S04")
@pytest.mark.parametrize(("found", "row"), ROWS)
def test_the_comment_has_a_row_with_the_verdict(found: Rollback, row: str) -> None:
    text = render([with_way_back(found)], [])
    assert "### Rollback" in text
    assert row in text.splitlines()


def test_the_verdict_is_part_of_the_data_that_a_run_hands_on_and_older_data_is_read() -> None:
    data = with_way_back(Rollback(verdict="impossible", because=("x",)))
    assert StackData.model_validate_json(data.model_dump_json()).rollback == data.rollback
    old = {**json.loads(data.model_dump_json()), "version": 1}
    del old["rollback"]
    assert StackData.model_validate(old).rollback is None


def test_five_hundred_reasons_leave_the_comment_within_its_length() -> None:
    long = Rollback(verdict="impossible", because=tuple(f"{index} " + "x" * 390 for index in range(100)))
    text = render([with_way_back(long).model_copy(update={"stack": f"stack-{index}"}) for index in range(20)], [])
    assert len(text) <= 60_000
    assert "more stacks; the run's summary has them all" in text
