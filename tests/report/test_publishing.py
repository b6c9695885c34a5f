"""The comment on the pull request: one, replaced at each run, and never lost when GitHub does not answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ops.console import Report
from ops.report import command
from ops.report.events import ReportError
from ops.report.markdown import mark
from ops.report.publishing import ATTEMPTS, AUTHOR, PublishingError, PullRequest, publish
from tests.report.events import lines
from tests.report.stack import EVERYTHING

MARK = mark(["prod"])
TOKEN = "ghs_canary0123456789abcdefghij"


class Forge(ThreadingHTTPServer):
    """The two calls of GitHub's API that are needed, with its comments in memory."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.comments: dict[int, str] = {}
        self.authors: dict[int, str] = {}
        self.pulls: list[dict[str, object]] = []
        self.refusals: list[int] = []
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
            self._send(self.server.refusals.pop(0), {})
        elif self.command == "GET":
            authors = self.server.authors
            listed = [
                {"id": id_, "body": text, "user": {"login": authors.get(id_, AUTHOR)}}
                for id_, text in self.server.comments.items()
            ]
            self._send(200, self.server.pulls if "/pulls?" in self.path else listed)
        else:
            id_ = int(self.path.rpartition("/")[2]) if self.command == "PATCH" else 100 + len(self.server.comments)
            self.server.comments[id_] = json.loads(body)["body"]
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
    server = Forge()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


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


def left_by_a_run(folder: Path, *texts: str) -> Path:
    for index, text in enumerate(texts):
        path = folder / f"preview-{index}" / "preview.md"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        # A fork writes what it likes beside it.
        (path.parent / "number").write_text("1")
    return folder


def told_by_the_platform(forge: Forge, **changes: str) -> dict[str, str]:
    of_run = {"HEAD_OWNER": "fork", "HEAD_BRANCH": "patch-1", "HEAD_COMMIT": "abc"}
    return {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": forge.address, **of_run, **changes}


@pytest.mark.requirement("S04")
def test_a_malicious_fork_writes_to_no_other_pull_request(
    forge: Forge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forge.pulls = [pull(7, "other"), pull(9, "abc")]
    folder = left_by_a_run(tmp_path, f"this check passes {MARK}")
    command.write_comments(folder, "owner/name", told_by_the_platform(forge), Report())
    assert [one for one in forge.asked if one.startswith("POST")] == ["POST /repos/owner/name/issues/9/comments"]
    assert forge.asked[0] == "GET /repos/owner/name/pulls?state=open&head=fork%3Apatch-1"
    assert "https://forge/" in capsys.readouterr().out


@pytest.mark.requirement("S04")
def test_a_run_of_a_head_that_has_moved_on_writes_nothing(
    forge: Forge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forge.pulls = [pull(9, "newer"), pull(3, "abc", "fork/name")]
    folder = left_by_a_run(tmp_path, f"old {MARK}")
    command.write_comments(folder, "owner/name", told_by_the_platform(forge), Report())
    assert forge.comments == {}
    assert "no open pull request has the head abc: it has moved on" in capsys.readouterr().out


def test_one_text_that_cannot_be_written_does_not_stop_the_others(forge: Forge, tmp_path: Path) -> None:
    forge.pulls = [pull(9, "abc")]
    folder = left_by_a_run(tmp_path, "no mark", f"good {MARK}")
    with pytest.raises(PublishingError, match="the text has no mark"):
        command.write_comments(folder, "owner/name", told_by_the_platform(forge), Report())
    assert list(forge.comments.values()) == [f"good {MARK}"]


def test_what_the_platform_says_of_the_run_is_asked_for_by_name(forge: Forge, tmp_path: Path) -> None:
    folder = left_by_a_run(tmp_path, f"one {MARK}")
    with pytest.raises(ReportError, match="HEAD_BRANCH, HEAD_COMMIT: not set"):
        command.write_comments(
            folder, "owner/name", told_by_the_platform(forge, HEAD_BRANCH="", HEAD_COMMIT=""), Report()
        )


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


@pytest.mark.requirement("S05")
def test_a_mandatory_violation_fails_the_check_and_is_told(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preview = tmp_path / "prod.json"
    preview.write_text("".join(lines(EVERYTHING, "failed")))
    assert not command.report(root, {"prod": preview}, tmp_path / "c.md", None, Report())
    told = capsys.readouterr().out
    assert "fails: prod: scale-limits: cpm-hpa: spec.maxReplicas is 11" in told
    assert "fails: prod: pod-security could not run" in told


@pytest.mark.requirement("S05")
def test_in_dev_a_rule_that_could_not_run_is_advice_like_all_others(root: Path, tmp_path: Path) -> None:
    preview = tmp_path / "dev.json"
    preview.write_text("".join(lines([one for one in EVERYTHING if "mandatory" not in json.dumps(one)])))
    assert command.report(root, {"dev": preview}, tmp_path / "c.md", None, Report())


def test_a_preview_that_is_not_there_is_named_with_the_fix(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"prod: there is no preview .* fix: make pr-check"):
        command.report(root, {"prod": tmp_path / "none.json"}, tmp_path / "c.md", None, Report())


@pytest.mark.parametrize("wrong", ["prod", "=x", "prod="])
def test_a_preview_on_the_command_line_is_stack_and_path(wrong: str) -> None:
    with pytest.raises(ReportError, match="allowed is stack=path"):
        command.chosen([wrong])


def test_a_pull_request_needs_its_number_and_a_token() -> None:
    assert command.pull_request_of("owner/name#7", {"GITHUB_TOKEN": "x"}).number == 7
    with pytest.raises(ReportError, match="allowed is owner/name#number"):
        command.pull_request_of("owner#7", {"GITHUB_TOKEN": "x"})
    with pytest.raises(ReportError, match="GITHUB_TOKEN is not set"):
        command.pull_request_of("owner/name#7", {})
