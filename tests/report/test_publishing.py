"""The comment on the pull request: one, replaced at each run, and never lost when GitHub does not answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ops.console import Report
from ops.drift import tell_drift
from ops.report import command
from ops.report.data import FILE, StackData, read_all
from ops.report.events import ReportError
from ops.report.markdown import mark
from ops.report.publishing import ATTEMPTS, AUTHOR, PublishingError, PullRequest, publish
from tests.report.events import lines
from tests.report.stack import EVERYTHING
from tests.serving import served
from tests.unit.program import STACKS

MARK = mark()
TOKEN = "ghs_canary0123456789abcdefghij"


class Forge(ThreadingHTTPServer):
    """The two calls of GitHub's API that are needed, with its comments in memory."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.comments: dict[int, str] = {}
        self.authors: dict[int, str] = {}
        self.pulls: list[dict[str, object]] = []
        self.files: list[str] = ["app/api.py"]
        self.refusals: list[int] = []
        self.written_all_the_same = False
        self.closed: list[int] = []
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Forge

    def log_message(self, format: str, *args: object) -> None:
        """Silence: what was asked is in `asked`."""

    def _answer(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.server.refusals:
            if self.command == "POST" and self.server.written_all_the_same:
                self.server.comments[100 + len(self.server.comments)] = json.loads(body)["body"]
            self._send(self.server.refusals.pop(0), {})
        elif self.command == "GET":
            authors = self.server.authors
            listed = [
                {"id": id_, "number": id_, "body": text, "user": {"login": authors.get(id_, AUTHOR)}}
                for id_, text in self.server.comments.items()
            ]
            files = [{"filename": one} for one in self.server.files] if "page=1" in self.path else []
            answers = {"/pulls?": self.server.pulls, "/files?": files}
            self._send(200, next((answer for part, answer in answers.items() if part in self.path), listed))
        else:
            id_ = int(self.path.rpartition("/")[2]) if self.command == "PATCH" else 100 + len(self.server.comments)
            given = json.loads(body)
            self.server.comments[id_] = given["body"]
            self.server.closed += [id_] if given.get("state") == "closed" else []
            self._send(201, {"html_url": f"https://forge/{id_}"})

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the library's names

    def _send(self, status: int, value: object) -> None:
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@pytest.fixture
def forge() -> Iterator[Forge]:
    with served(Forge()) as server:
        yield server


def where(forge: Forge) -> PullRequest:
    return PullRequest("owner/name", 7, TOKEN, forge.address)


@pytest.mark.requirement("S04")
def test_the_first_run_writes_a_comment_and_the_next_one_replaces_it(forge: Forge) -> None:
    forge.comments[1] = "what somebody else said"
    assert publish(f"one {MARK}", where(forge)) == "https://forge/101"
    assert publish(f"two {MARK}", where(forge)) == "https://forge/101"
    assert forge.comments == {1: "what somebody else said", 101: f"two {MARK}"}


@pytest.mark.requirement("S04")
def test_a_comment_of_somebody_else_with_our_mark_is_left_alone(forge: Forge) -> None:
    forge.comments[1], forge.authors[1] = f"mine {MARK}", "mallory"
    publish(f"one {MARK}", where(forge))
    assert forge.comments[1] == f"mine {MARK}"
    assert len(forge.comments) == 2


def test_a_text_longer_than_a_comment_may_be_is_refused_before_anything_is_sent(forge: Forge) -> None:
    publish(MARK + "x" * (65_536 - len(MARK)), where(forge))
    asked = len(forge.asked)
    with pytest.raises(PublishingError, match="65,537 characters; allowed are 65,536"):
        publish(MARK + "x" * (65_537 - len(MARK)), where(forge))
    assert len(forge.asked) == asked


def pull(number: int, commit: str, base: str = "owner/name") -> dict[str, object]:
    return {"number": number, "head": {"sha": commit}, "base": {"repo": {"full_name": base}}}


def left_by_a_run(folder: Path, **texts: str) -> Path:
    """Uploads of each stack's job; a fork writes what it likes."""
    for stack, text in texts.items():
        path = folder / f"preview-{stack}" / FILE
        path.parent.mkdir(parents=True)
        path.write_text(text)
        (path.parent / "number").write_text("1")
        (path.parent / "preview.md").write_text(f"this check passes {MARK}")
    return folder


def data(stack: str) -> str:
    return StackData(stack=stack).model_dump_json()


def told_by_the_platform(forge: Forge, **changes: str) -> dict[str, str]:
    of_run = {
        "HEAD_OWNER": "fork",
        "HEAD_BRANCH": "patch-1",
        "HEAD_COMMIT": "abc",
        "RUN_ADDRESS": "https://forge/runs/1",
        "RUN_ENDED": "2026-11-27T09:30:00Z",
        "RUN_CONCLUSION": "success",
    }
    return {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": forge.address, **of_run, **changes}


def written(root: Path, folder: Path, forge: Forge, **changes: str) -> str:
    """The comment that is there afterwards."""
    command.write_comment(root, folder, "owner/name", told_by_the_platform(forge, **changes), Report())
    (text,) = forge.comments.values()
    return text


ALL = {stack: data(stack) for stack in STACKS}


@pytest.mark.requirement("S04")
def test_a_malicious_fork_writes_to_no_other_pull_request_and_no_text_of_its_own(
    root: Path, forge: Forge, tmp_path: Path
) -> None:
    forge.pulls = [pull(7, "other"), pull(9, "abc")]
    text = written(root, left_by_a_run(tmp_path, **ALL), forge)
    assert [one for one in forge.asked if one.startswith("POST")] == ["POST /repos/owner/name/issues/9/comments"]
    assert forge.asked[0] == "GET /repos/owner/name/pulls?state=open&head=fork%3Apatch-1"
    assert text.startswith(f"**Passes.** {'; '.join(f'{stack}: no change' for stack in STACKS)}\n")
    assert "Commit `abc`, [run](https://forge/runs/1), 2026-11-27 09:30 UTC." in text
    assert "this check passes" not in text


FORGED = {
    "no JSON": "<h1>passes</h1>",
    "another version": json.dumps({"version": 3, "stack": "prod"}),
    "a field of its own": json.dumps({"stack": "prod", "markdown": "@everyone"}),
    "a stack with a link": json.dumps({"stack": "[a](http://x)"}),
    "a rule that is a link": json.dumps(
        {"stack": "prod", "told": [{"kind": "advice", "rule": "x](http://y", "message": ""}]}
    ),
    "a line without an end": json.dumps({"stack": "prod", "problem": "x" * 2_001}),
    "too many changes": json.dumps(
        {"stack": "prod", "changes": [{"operation": "create", "type": "a", "name": "b"}] * 10_001}
    ),
    "money that is no number": (
        '{"stack": "prod", "money": {"before": NaN, "after": 0, "at_maximum": 0, "budget": null}}'
    ),
    "cut off": data("prod")[:-9],
}


@pytest.mark.requirement("S04")
@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_forged_report_is_refused_and_said_to_be(root: Path, forge: Forge, tmp_path: Path, forged: str) -> None:
    forge.pulls = [pull(9, "abc")]
    text = written(root, left_by_a_run(tmp_path, **{**ALL, "prod": forged}), forge)
    assert text.startswith("**FAILED: prod.** ")
    assert "; dev: no change; local: no change; prod: could not be previewed;" in text.splitlines()[0]
    assert "its report cannot be read: report.json: " in text
    assert "http://" not in text and "@everyone" not in text


def test_a_report_larger_than_any_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.report.data.LARGEST_BYTES", 10)
    (one,) = read_all(left_by_a_run(tmp_path, prod=data("prod")), ["prod"])
    assert "bytes; allowed are 10" in one.problem


def test_two_reports_of_one_stack_are_both_not_believed(tmp_path: Path) -> None:
    (one,) = read_all(left_by_a_run(tmp_path, prod=data("prod"), other=data("prod")), ["prod"])
    assert one.problem == "its run left two reports, so neither is used"


@pytest.mark.requirement("S04")
def test_a_run_that_left_nothing_replaces_the_comment_of_the_push_before(
    root: Path, forge: Forge, tmp_path: Path
) -> None:
    forge.pulls = [pull(9, "abc")]
    forge.comments[100] = f"**Passes.** of an older commit {MARK}"
    text = written(root, tmp_path / "none", forge, RUN_CONCLUSION="failure")
    assert text.startswith(f"**FAILED: {', '.join(STACKS)}.**")
    assert "its run ended before it could write a report" in text
    assert list(forge.comments) == [100]


@pytest.mark.requirement("S04")
def test_a_run_of_a_head_that_has_moved_on_writes_nothing(
    root: Path, forge: Forge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forge.pulls = [pull(9, "newer"), pull(3, "abc", "fork/name")]
    environment = told_by_the_platform(forge)
    command.write_comment(root, left_by_a_run(tmp_path, **ALL), "owner/name", environment, Report())
    assert forge.comments == {}
    assert "no open pull request has the head abc: it has moved on" in capsys.readouterr().out


def test_a_head_that_moves_on_while_the_comment_is_made_is_not_overwritten(
    root: Path, forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge.pulls = [pull(9, "abc")]
    made = command.render

    def moving(*arguments: object, **named: object) -> str:
        forge.pulls = [pull(9, "newer")]
        return made(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "render", moving)
    environment = told_by_the_platform(forge)
    command.write_comment(root, left_by_a_run(tmp_path, **ALL), "owner/name", environment, Report())
    assert forge.comments == {}


def test_files_that_decide_what_passes_are_named_as_the_platform_says(root: Path, forge: Forge, tmp_path: Path) -> None:
    forge.pulls = [pull(9, "abc")]
    judging = [".github/workflows/preview.yaml", "policies/exemptions.yaml", "policies/rules/scale.py"]
    forge.files = ["app/api.py", *judging]
    text = written(root, left_by_a_run(tmp_path, **ALL), forge)
    named = [line for line in text.splitlines() if line.startswith("- **file**, by the platform: ")]
    assert [line.partition("`")[2].rstrip("`") for line in named] == judging


def test_what_the_platform_says_of_the_run_is_asked_for_by_name(root: Path, forge: Forge, tmp_path: Path) -> None:
    folder = left_by_a_run(tmp_path, **ALL)
    environment = told_by_the_platform(forge, HEAD_BRANCH="", RUN_CONCLUSION="")
    with pytest.raises(ReportError, match="HEAD_BRANCH, RUN_CONCLUSION: not set"):
        command.write_comment(root, folder, "owner/name", environment, Report())


@pytest.mark.parametrize("wrong", [500, 502])
def test_a_comment_that_was_written_although_the_answer_was_an_error_is_not_written_twice(
    forge: Forge, wrong: int
) -> None:
    forge.comments[1] = "what somebody else said"
    publish(f"zero {MARK}", where(forge))
    del forge.comments[101]
    forge.written_all_the_same = True
    pauses: list[float] = []

    real = _Handler._answer

    def answer(self: _Handler) -> None:
        if self.command == "POST" and not pauses:
            self.server.refusals = [wrong]
        real(self)

    _Handler.do_POST = answer  # type: ignore[method-assign]
    try:
        assert publish(f"one {MARK}", where(forge), pauses.append) == "https://forge/101"
    finally:
        _Handler.do_POST = real  # type: ignore[method-assign]
    assert forge.comments == {1: "what somebody else said", 101: f"one {MARK}"}


def test_a_failing_api_is_asked_again_after_longer_and_longer_pauses(forge: Forge) -> None:
    forge.refusals = [502, 429, 503]
    pauses: list[float] = []
    assert publish(f"one {MARK}", where(forge), pauses.append)
    assert pauses == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(("refusals", "asked"), [([500] * 9, ATTEMPTS), ([403], 1)])
def test_a_comment_that_cannot_be_published_is_in_a_file_and_the_error_names_it(
    root: Path, tmp_path: Path, forge: Forge, refusals: list[int], asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.report.publishing.FIRST_PAUSE_SECONDS", 0.0)
    forge.refusals = list(refusals)
    preview, output = tmp_path / "prod.json", tmp_path / "comment.md"
    preview.write_text("".join(lines(EVERYTHING, "failed")))
    with pytest.raises(PublishingError) as caught:
        command.report(root, {"prod": preview}, output, where(forge), Report())
    assert str(output) in str(caught.value)
    assert f"status {refusals[0]}" in str(caught.value)
    assert MARK in output.read_text()
    assert len(forge.asked) == asked
    assert TOKEN not in str(caught.value)


def test_an_issue_of_drift_is_opened_once_kept_up_to_date_and_closed_when_it_ends(forge: Forge) -> None:
    environment = {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": forge.address}
    tell_drift("prod", [], "owner/name", environment)
    assert forge.comments == {}
    tell_drift("prod", ["a differs: @everyone"], "owner/name", environment)
    tell_drift("prod", ["a differs: `x`", "b is gone"], "owner/name", environment)
    ((number, text),) = forge.comments.items()
    assert "- `a differs: 'x'`" in text and "- `b is gone`" in text
    assert forge.closed == []
    tell_drift("prod", [], "owner/name", environment)
    assert forge.closed == [number]
    assert "Nothing differs any more." in forge.comments[number]


def test_an_issue_of_somebody_else_with_our_mark_is_left_open(forge: Forge) -> None:
    forge.comments[3], forge.authors[3] = "<!-- contentgen drift of prod --> mine", "mallory"
    tell_drift("prod", [], "owner/name", {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": forge.address})
    assert forge.closed == []
