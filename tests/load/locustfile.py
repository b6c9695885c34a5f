"""The documents' scenario (T01) for a PRODUCT (default content-generation), with their profiles:
`PRODUCT=recipe-app locust -f tests/load/locustfile.py --host http://...`.

PROFILE=steps is T04 (10, 25, 50, 100, 200 users, 30 s each, 10 s rest; STEP_SECONDS and REST_SECONDS shorten them);
without it locust's own -u, -r and -t decide: T02 is `-u 100 -t 5m`, T03 `-u 1000 -t 10m`. TOKEN is sent as a session
where keys are asked for. At the end everything that was accepted is looked at until it is done, for FINISH_SECONDS
(default 300; 0 leaves it). The run fails (exit 1) when the profile's limits are broken or something accepted is lost.
"""

import os
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import gevent.pool
from locust import HttpUser, LoadTestShape, between, events
from locust.env import Environment

from tests.load.product import LOOKS, OPEN, Ask
from tests.load.products.registry import product_of

if TYPE_CHECKING:
    import requests

# P95 and P99 in milliseconds, share of errors: T02's first stage, T03's production.
LIMITS = {"first": (2000, 5000, 0.01), "production": (1000, 3000, 0.001)}
LAST = 10
"""A client looks at so many of its own (T01)."""
TOO_EARLY = 409
"""Refusal of an ask about something that is not ready yet, which is no failure."""
PRODUCT = product_of(os.environ.get("PRODUCT", "content-generation"))
HEADERS = {"Authorization": f"Bearer {os.environ['TOKEN']}"} if os.environ.get("TOKEN") else {}


@dataclass(frozen=True)
class Promise:
    """Something that was accepted: its ask, where it is seen, and its id."""

    ask: Ask
    path: str
    made: str


PROMISES: dict[Promise, None] = {}
"""Of all clients."""


class Client(HttpUser):
    """Somebody who asks (by the weights of the product) and looks at what was accepted lately."""

    wait_time = between(1, 5)

    def on_start(self) -> None:
        """Remember the last of one's own."""
        self.mine: deque[Promise] = deque(maxlen=LAST)
        self.client.headers.update(HEADERS)

    def look(self) -> None:
        """Look at one of the last."""
        if self.mine:
            one = random.choice(self.mine)
            self.client.get(one.path, name=one.ask.look)

    def send(self, ask: Ask) -> None:
        """Ask for something; for more of one of the last, where the ask is about that."""
        of = [one.made for one in self.mine if one.ask is PRODUCT.main]
        if "{of}" in ask.path and not of:
            return
        about = random.choice(of) if of else ""
        path, name = ask.path.format(of=about), f"{ask.path} {ask.name}"
        with self.client.post(path, json=ask.body(random.getrandbits(40)), name=name, catch_response=True) as reply:
            if reply.status_code == PRODUCT.accepted:
                made = reply.json()[PRODUCT.id_field]
                promise = Promise(ask, ask.look.format(id=made, of=about), made)
                self.mine.append(promise)
                PROMISES[promise] = None
                reply.success()
            elif about and reply.status_code == TOO_EARLY:
                reply.success()
            else:
                reply.failure(f"status {reply.status_code}")


def sending(ask: Ask) -> Callable[[Client], None]:
    """The task of an ask."""

    def task(client: Client) -> None:
        client.send(ask)

    task.__name__ = ask.name
    return task


Client.tasks = [*(one for ask in PRODUCT.asks for one in [sending(ask)] * ask.weight), *[Client.look] * LOOKS]


if os.environ.get("PROFILE") == "steps":

    class Steps(LoadTestShape):
        """T04."""

        users = (10, 25, 50, 100, 200)
        seconds, rest = float(os.environ.get("STEP_SECONDS", "30")), float(os.environ.get("REST_SECONDS", "10"))

        def tick(self) -> tuple[int, float] | None:
            """Users and spawn rate now; None ends the run."""
            step, within = divmod(self.get_run_time(), self.seconds + self.rest)
            if step >= len(self.users):
                return None
            return (self.users[int(step)] if within < self.seconds else 0, 100)


@events.quitting.add_listener
def judge(environment: Environment, **_: object) -> None:
    """Exit 1 when a limit is broken, and say which."""
    total = environment.stats.total
    p95, p99, errors = LIMITS[os.environ.get("LIMITS", "first")]
    found = (
        total.get_response_time_percentile(0.95) or 0,
        total.get_response_time_percentile(0.99) or 0,
        total.fail_ratio,
    )
    broken = [
        f"{name} {value:g} > {limit:g}"
        for name, value, limit in zip(("P95 ms", "P99 ms", "errors"), found, (p95, p99, errors), strict=True)
        if value > limit
    ]
    if broken:
        print("limits broken: " + "; ".join(broken))
        environment.process_exit_code = 1


@events.test_stop.add_listener
def follow(environment: Environment, **_: object) -> None:
    """Exit 1 when something that was accepted is not done in the end, and say how much of it was."""
    seconds = float(os.environ.get("FINISH_SECONDS", "300"))
    if seconds == 0:
        print(f"accepted: {len(PROMISES)}, not looked at")
        return
    # Not before locust has replaced the sockets that it uses.
    import requests

    deadline, pool = time.monotonic() + seconds, gevent.pool.Pool(20)
    with requests.Session() as session:
        session.headers.update(HEADERS)
        ends = pool.map(lambda one: end_of(session, f"{environment.host}{one.path}", one, deadline), list(PROMISES))
    finished = ends.count(PRODUCT.done)
    print(f"accepted: {len(PROMISES)}, finished: {finished}, lost: {len(PROMISES) - finished}")
    if finished < len(PROMISES):
        print(f"states of what is lost: {sorted(set(ends) - {PRODUCT.done})}")
        environment.process_exit_code = 1


def end_of(session: "requests.Session", url: str, promise: Promise, deadline: float) -> str:
    """Its last state."""
    while True:
        reply = session.get(url, timeout=10)
        state = promise.ask.state(reply.json(), promise.made) if reply.ok else f"status {reply.status_code}"
        if state not in OPEN or time.monotonic() > deadline:
            return state
        time.sleep(0.2)
