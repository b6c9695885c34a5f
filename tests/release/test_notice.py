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
from ops.release.smoke import UNFINISHED, smoke

HEADERS = {"X-Frame-Options": "DENY"}


class Service(ThreadingHTTPServer):
    """Answers what a test tells it to, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status: dict[str, int] = {}
        self.headers = dict(HEADERS)
        self.states = ["pending", "in_progress", "completed"]
        self.posted: list[dict[str, str]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""

    def _answer(self) -> None:
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
        text = json.dumps(value).encode()
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


@pytest.mark.requirement("L02")
def test_the_states_that_are_waited_out_are_the_services_own() -> None:
    assert set(UNFINISHED) == {state.value for state in JobStatus if not state.final}


def test_a_job_that_never_ends_is_given_up(service: Service) -> None:
    service.states = ["in_progress"]
    with pytest.raises(StepError, match="job j1 is in_progress after 60 s"):
        smoke(service.address, HEADERS, pause=lambda seconds: None)


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
