"""Clients that never stop asking, and what they were told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
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


@contextmanager
def steady_traffic(url: str) -> Iterator[Told]:
    """Posts topics and reads them back until the block ends, within the limits of one client."""
    told, stop = Told(), threading.Event()
    thread = threading.Thread(target=_ask, args=(url, told, stop))
    thread.start()
    try:
        yield told
    finally:
        stop.set()
        thread.join()


def unfinished(url: str, jobs: list[str], seconds: float = 60.0) -> list[str]:
    """Which of the accepted jobs have no text when the time is over."""
    deadline = time.monotonic() + seconds
    left = list(jobs)
    while left and time.monotonic() < deadline:
        left = [job for job in left if httpx.get(f"{url}/status/{job}", timeout=10).json()["status"] != "completed"]
        if left:
            time.sleep(0.5)
    return left


def _ask(url: str, told: Told, stop: threading.Event) -> None:
    with httpx.Client(base_url=url, timeout=20) as client:
        while not stop.wait(PAUSE_SECONDS):
            told.asked += 1
            try:
                _post_and_read(client, told)
            except httpx.HTTPError as error:
                told.wrong.append(f"{type(error).__name__}: {error}")


def _post_and_read(client: httpx.Client, told: Told) -> None:
    """Ten posts a minute are one client's share and a hundred requests in all; in between it only reads."""
    if len(told.accepted) * READS_A_POST <= told.asked:
        answer = client.post("/generate", json=TOPIC)
        if answer.status_code == 202:
            told.accepted.append(answer.json()["job_id"])
        else:
            told.wrong.append(f"POST /generate: {answer.status_code} {answer.text[:200]}")
    if told.accepted:
        answer = client.get(f"/status/{told.accepted[-1]}")
        if answer.status_code != 200:
            told.wrong.append(f"GET /status: {answer.status_code} {answer.text[:200]}")
