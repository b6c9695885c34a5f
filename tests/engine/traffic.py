"""Clients that never stop asking, and what they were told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.engine.world import TOPIC

PAUSE_SECONDS = 0.8
READS_A_POST = 10


@dataclass
class Told:
    """Every answer of a stretch of time: jobs that were accepted, and answers that a client must not get."""

    accepted: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    asked: int = 0

    def wait_for(self, jobs: int, seconds: float = 60.0) -> None:
        """Until so many jobs were accepted, or the time is over."""
        deadline = time.monotonic() + seconds
        while len(self.accepted) < jobs and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)


@contextmanager
def steady_traffic(url: str, session: Mapping[str, str] | None = None) -> Iterator[Told]:
    """Posts topics and reads them back until the block ends, within the limits of one client; by the headers of a
    ``session`` where there is one.
    """
    told, stop = Told(), threading.Event()
    thread = threading.Thread(target=_ask, args=(url, told, stop, session))
    thread.start()
    try:
        yield told
    finally:
        stop.set()
        thread.join()


def unfinished(url: str, jobs: list[str], session: Mapping[str, str], seconds: float = 60.0) -> list[str]:
    """Accepted jobs that have no text when the time is over."""
    deadline = time.monotonic() + seconds
    left = list(jobs)
    while left and time.monotonic() < deadline:
        left = [job for job in left if _status(f"{url}/status/{job}", session) != "completed"]
        if left:
            time.sleep(0.5)
    return left


def _status(url: str, session: Mapping[str, str]) -> str:
    return str(httpx.get(url, headers=session, timeout=10).json()["status"])


def _ask(url: str, told: Told, stop: threading.Event, session: Mapping[str, str] | None) -> None:
    with httpx.Client(base_url=url, timeout=20, headers=session) as client:
        while not stop.wait(PAUSE_SECONDS):
            told.asked += 1
            try:
                _post_and_read(client, told)
                if session is not None:
                    _expect(client.get("/jobs"), 200, told)
            except httpx.HTTPError as error:
                told.wrong.append(f"{type(error).__name__}: {error}")


def _post_and_read(client: httpx.Client, told: Told) -> None:
    """Ten posts a minute are one client's share and a hundred requests in all; in between it only reads."""
    if len(told.accepted) * READS_A_POST <= told.asked:
        answer = client.post("/generate", json=TOPIC)
        if _expect(answer, 202, told):
            told.accepted.append(answer.json()["job_id"])
    if told.accepted:
        _expect(client.get(f"/status/{told.accepted[-1]}"), 200, told)


def _expect(answer: httpx.Response, status: int, told: Told) -> bool:
    if answer.status_code != status:
        request = answer.request
        told.wrong.append(f"{request.method} {request.url.path}: {answer.status_code} {answer.text[:200]}")
    return answer.status_code == status
