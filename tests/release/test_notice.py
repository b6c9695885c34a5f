"""The word to Slack, and the smoke tests, against servers of our own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.domain import JobStatus
from localcloud.runner.certificates import Certificates
from ops.release.notice import ATTEMPTS, Notice, tell
from ops.release.process import Outcome, StepError
from ops.release.smoke import smoke
from stacks.products.content_generation.blueprint import BLUEPRINT
from stacks.products.workflow_dashboard.blueprint import BLUEPRINT as DASHBOARD
from stacks.specs.trial import Trial
from tests.serving import served

HEADERS = {"X-Frame-Options": "DENY"}
TRIAL = BLUEPRINT.trial
HOST = "api.example.com"


def no_pause(seconds: float) -> None:
    """Time passes in no time."""


def tried(service: Service, trial: Trial = TRIAL, session: str = "", pause: Callable[[float], None] = no_pause) -> None:
    smoke(service.address, HEADERS, trial, HOST, session, pause)


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
        self.hosts: set[str | None] = set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""

    def _answer(self) -> None:
        self.server.authorized.add(self.headers.get("authorization"))
        self.server.hosts.add(self.headers.get("host"))
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if body:
            self.server.posted.append(json.loads(body))
        value: dict[str, str] = {}
        if self.path.startswith("/status/"):
            states = self.server.states
            value = {"status": states.pop(0) if len(states) > 1 else states[0]}
        elif self.path == "/generate":
            value = {"job_id": "j1"}
        default = self.server.status.get(f"{self.command} {self.path}")
        status = default or self.server.status.get(self.path, 202 if self.path == "/generate" else 200)
        text = self.server.bodies.get(self.path.partition("/j1")[0], json.dumps(value).encode())
        self.send_response(status)
        for name, header in self.server.headers.items():
            self.send_header(name, header)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the library's names


@pytest.fixture
def service() -> Iterator[Service]:
    with served(Service()) as server:
        yield server


def test_a_service_that_writes_a_text_and_sends_its_headers_passes(service: Service) -> None:
    pauses: list[float] = []
    tried(service, pause=pauses.append)
    assert len(pauses) == 2


@pytest.mark.requirement("L02")
def test_every_question_of_the_smoke_test_carries_its_session_if_it_has_one(service: Service) -> None:
    tried(service)
    assert service.authorized == {None}
    service.authorized.clear()
    tried(service, session="a-token")
    assert service.authorized == {"Bearer a-token"}


@pytest.mark.requirement("L02")
def test_what_is_wrong_with_a_service_is_named(service: Service) -> None:
    service.status["/ready"] = 503
    with pytest.raises(StepError, match="/ready answers 503, not 200"):
        tried(service)
    service.status.clear()
    service.states = ["failed"]
    with pytest.raises(StepError, match="/status/j1 is failed"):
        tried(service)
    service.headers.clear()
    with pytest.raises(StepError, match="sends X-Frame-Options: None, not 'DENY'"):
        tried(service)


def test_a_job_that_never_ends_is_given_up(service: Service) -> None:
    service.states = ["in_progress"]
    with pytest.raises(StepError, match="/status/j1 is in_progress after 60 s"):
        tried(service)


@pytest.mark.requirement("L02")
@pytest.mark.parametrize("path", ["/generate", "/status"])
@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"id": 1}', b'{"job_id": null, "status": null}', b"", b"\xff"])
def test_an_answer_that_is_none_of_the_services_fails_in_words(service: Service, path: str, body: bytes) -> None:
    service.bodies[path] = body
    with pytest.raises(StepError, match=rf"{path}\S* answers no JSON object with a text '(job_id|status)'"):
        tried(service)


@pytest.mark.requirement("L02")
def test_every_state_of_the_services_jobs_is_an_end_or_is_waited_for(service: Service) -> None:
    for state in JobStatus:
        service.states = [state.value, "completed"]
        if state.value in TRIAL.failed:
            with pytest.raises(StepError, match=f"/status/j1 is {state.value} after 0 s"):
                tried(service)
        else:
            tried(service)
    assert {JobStatus.PENDING, JobStatus.IN_PROGRESS, JobStatus.COMPLETED} == set(JobStatus) - TRIAL.failed


def test_a_service_that_is_not_there_does_not_answer() -> None:
    with pytest.raises(StepError, match="does not answer"):
        smoke("http://127.0.0.1:9", HEADERS, TRIAL, HOST)


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


@pytest.mark.requirement("L02")
def test_a_region_is_asked_at_its_own_address_by_the_public_name_of_the_api(service: Service) -> None:
    tried(service)
    assert service.hosts == {HOST}


def test_what_a_smoke_test_made_is_removed_again_where_the_product_can(service: Service) -> None:
    service.bodies["/api/workflows"] = b'{"id": "j1"}'
    service.status["/api/workflows"] = 201
    with pytest.raises(StepError, match=r"DELETE .*/api/workflows/j1 answers 200, not 204"):
        tried(service, DASHBOARD.trial)
    service.status["DELETE /api/workflows/j1"] = 204
    tried(service, DASHBOARD.trial)
    assert service.posted[-1] == {"name": "Try it out"}


@pytest.mark.requirement("L02")
def test_a_region_is_asked_over_tls_by_the_name_that_its_certificate_has(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = Certificates(tmp_path)
    certificates.ensure()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.bundle))
    service.socket = certificates.server_context(HOST).wrap_socket(service.socket, server_side=True)
    address = service.address.replace("http://", "https://")
    smoke(address, HEADERS, TRIAL, HOST, pause=no_pause)
    with pytest.raises(StepError, match="does not answer: ConnectError"):
        smoke(address, HEADERS, TRIAL, "api.another.example", pause=no_pause)
