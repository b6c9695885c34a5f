"""The word to Slack, and the smoke tests, against servers of our own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.domain import JobStatus
from ops.release.notice import ATTEMPTS, Notice, tell
from ops.release.process import Outcome, StepError
from ops.release.smoke import WITHOUT_A_TEXT, smoke

HEADERS = {"X-Frame-Options": "DENY"}


class Service(ThreadingHTTPServer):
    """Answers what a test tells it to, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status: dict[str, int] = {}
        self.headers = dict(HEADERS)
        self.states = ["pending", "in_progress", "completed"]
        self.bodies: dict[str, bytes] = {}
        self.posted: list[dict[str, str]] = []
        self.authorized: set[str | None] = set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""

    def _answer(self) -> None:
        self.server.authorized.add(self.headers.get("authorization"))
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if body:
            self.server.posted.append(json.loads(body))
        value: dict[str, str] = {}
        if self.path.startswith("/status/"):
            states = self.server.states
            value = {"status": states.pop(0) if len(states) > 1 else states[0]}
        elif self.path == "/generate":
            value = {"job_id": "j1"}
        status = self.server.status.get(self.path, 202 if self.path == "/generate" else 200)
        text = self.server.bodies.get(self.path.partition("/j1")[0], json.dumps(value).encode())
        self.send_response(status)
        for name, header in self.server.headers.items():
            self.send_header(name, header)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = _answer  # noqa: N815 - the library's names


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_service_that_writes_a_text_and_sends_its_headers_passes(service: Service) -> None:
    pauses: list[float] = []
    smoke(service.address, HEADERS, pause=pauses.append)
    assert len(pauses) == 2


@pytest.mark.requirement("L02")
def test_every_question_of_the_smoke_test_carries_its_session_if_it_has_one(service: Service) -> None:
    smoke(service.address, HEADERS, pause=lambda seconds: None)
    assert service.authorized == {None}
    service.authorized.clear()
    smoke(service.address, HEADERS, "a-token", pause=lambda seconds: None)
    assert service.authorized == {"Bearer a-token"}


@pytest.mark.requirement("L02")
def test_what_is_wrong_with_a_service_is_named(service: Service) -> None:
    service.status["/ready"] = 503
    with pytest.raises(StepError, match="/ready answers 503, not 200"):
        smoke(service.address, HEADERS)
    service.status.clear()
    service.states = ["failed"]
    with pytest.raises(StepError, match="job j1 is failed"):
        smoke(service.address, HEADERS)
    service.headers.clear()
    with pytest.raises(StepError, match="sends X-Frame-Options: None, not 'DENY'"):
        smoke(service.address, HEADERS)


def test_a_job_that_never_ends_is_given_up(service: Service) -> None:
    service.states = ["in_progress"]
    with pytest.raises(StepError, match="job j1 is in_progress after 60 s"):
        smoke(service.address, HEADERS, pause=lambda seconds: None)


@pytest.mark.requirement("L02")
@pytest.mark.parametrize("path", ["/generate", "/status"])
@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"id": 1}', b'{"job_id": null, "status": null}', b"", b"\xff"])
def test_an_answer_that_is_none_of_the_services_fails_in_words(service: Service, path: str, body: bytes) -> None:
    service.bodies[path] = body
    with pytest.raises(StepError, match=rf"{path}\S* answers what is no (Accepted|Status): "):
        smoke(service.address, HEADERS, pause=lambda seconds: None)


@pytest.mark.requirement("L02")
def test_every_state_of_the_services_jobs_is_an_end_or_is_waited_for(service: Service) -> None:
    for state in JobStatus:
        service.states = [state.value, "completed"]
        if state.value in WITHOUT_A_TEXT:
            with pytest.raises(StepError, match=f"job j1 is {state.value} after 0 s"):
                smoke(service.address, HEADERS, pause=lambda seconds: None)
        else:
            smoke(service.address, HEADERS, pause=lambda seconds: None)
    assert {JobStatus.PENDING, JobStatus.IN_PROGRESS, JobStatus.COMPLETED} == set(JobStatus) - WITHOUT_A_TEXT


def test_a_service_that_is_not_there_does_not_answer() -> None:
    with pytest.raises(StepError, match="does not answer"):
        smoke("http://127.0.0.1:9", HEADERS)


@pytest.mark.requirement("L02")
@pytest.mark.parametrize("outcome", Outcome)
def test_slack_is_told_of_every_outcome_with_status_environment_commit_and_author(
    service: Service, outcome: Outcome
) -> None:
    notice = Notice(outcome, "prod", "0123456789abcdef", "ada", "" if outcome is Outcome.RELEASED else "look 1 failed")
    assert tell(notice, f"{service.address}/hook")
    (sent,) = service.posted
    assert {key: sent[key] for key in ("status", "environment", "commit", "author")} == {
        "status": outcome.value,
        "environment": "prod",
        "commit": "0123456789abcdef",
        "author": "ada",
    }
    assert ("look 1 failed" in sent["text"]) is (outcome is not Outcome.RELEASED)


def test_a_slack_that_does_not_take_it_is_asked_again_and_then_left(service: Service) -> None:
    service.status["/hook"] = 500
    notice = Notice(Outcome.RELEASED, "prod", "0" * 40, "ada")
    assert not tell(notice, f"{service.address}/hook", lambda seconds: None)
    assert len(service.posted) == ATTEMPTS
