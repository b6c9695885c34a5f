"""The documents' scenario (T01) for a PRODUCT (default content-generation), by a PROFILE of theirs:
`PRODUCT=recipe-app PROFILE=first locust -f tests/load/locustfile.py --host http://...`.

Profiles are in tests/load/profiles.py; STEP_SECONDS and REST_SECONDS shorten them. Without one locust's own -u, -r and
-t decide, and the first stage's limits hold. TOKEN is sent as a session where keys are asked for. At the end everything
that was accepted is looked at until it is done, for FINISH_SECONDS (default 300; 0 leaves it). The run fails (exit 1)
when a limit is broken or something accepted is lost.
"""

import os
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import gevent.pool
from locust import FastHttpUser, LoadTestShape, between, constant, constant_throughput, events
from locust.env import Environment

from tests.load.product import LOOKS, OPEN, Ask
from tests.load.products.registry import product_of
from tests.load.profiles import FIRST_STAGE, Found, profile_of

if TYPE_CHECKING:
    import requests

LAST = 10
"""A client looks at so many of its own (T01)."""
BROKEN = 500
TOO_EARLY = 409
"""Refusal of an ask about something that is not ready yet, which is no failure."""
PRODUCT = product_of(os.environ.get("PRODUCT", "content-generation"))
PROFILE = profile_of(os.environ)
HEADERS = {"Authorization": f"Bearer {os.environ['TOKEN']}"} if os.environ.get("TOKEN") else {}


@dataclass(frozen=True)
class Promise:
    """Something that was accepted: its ask, where it is seen, and its id."""

    ask: Ask
    path: str
    made: str


PROMISES: dict[Promise, None] = {}
"""Of all clients."""


class Client(FastHttpUser):
    """Somebody who asks (by the weights of the product) and looks at what was accepted lately."""

    wait_time = between(1, 5)
    if PROFILE and PROFILE.a_second:
        wait_time = constant_throughput(PROFILE.a_second / max(PROFILE.users))
    elif PROFILE and PROFILE.reads:
        wait_time = constant(0)

    def on_start(self) -> None:
        """Remember the last of one's own."""
        self.mine: deque[Promise] = deque(maxlen=LAST)

    def look(self) -> None:
        """Look at one of the last, or ask for the first."""
        if not self.mine:
            self.send(PRODUCT.main)
            return
        one = random.choice(self.mine)
        self.client.get(one.path, name=one.ask.look, headers=HEADERS)

    def read(self) -> None:
        """Read the list of what there is."""
        self.client.get(PRODUCT.listing, headers=HEADERS)

    def send(self, ask: Ask) -> None:
        """Ask for something; for more of one of the last, where the ask is about that and there is one."""
        of = [one.made for one in self.mine if one.ask is PRODUCT.main]
        if "{of}" in ask.path and not of:
            ask = PRODUCT.main
        about = random.choice(of) if of else ""
        path, name = ask.path.format(of=about), f"{ask.path} {ask.name}"
        body = ask.body(random.getrandbits(40))
        with self.client.post(path, json=body, name=name, headers=HEADERS, catch_response=True) as reply:
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
if PROFILE and PROFILE.reads:
    Client.tasks = [Client.read]

if PROFILE:

    class Shape(LoadTestShape):
        """The profile's users; a hundred more a second until they are there."""

        profile = PROFILE

        def tick(self) -> tuple[int, float] | None:
            """Users and spawn rate now; None ends the run."""
            users = self.profile.users_at(self.get_run_time())
            return None if users is None else (users, 100)


FAULTS = {"unavailable": 0}
"""Requests that got no answer, or one that says that the service broke."""


@events.request.add_listener
def count(response: "requests.Response | None", **_: object) -> None:
    """Count what was not there for its client."""
    if response is None or response.status_code == 0 or response.status_code >= BROKEN:
        FAULTS["unavailable"] += 1


@events.quitting.add_listener
def judge(environment: Environment, **_: object) -> None:
    """Exit 1 when a limit is broken, and say which."""
    total = environment.stats.total
    found = Found(
        p95_ms=total.get_response_time_percentile(0.95) or 0,
        p99_ms=total.get_response_time_percentile(0.99) or 0,
        errors=total.fail_ratio,
        available=1 - FAULTS["unavailable"] / max(1, total.num_requests),
        a_second=total.total_rps,
    )
    print(
        f"P95 {found.p95_ms:g} ms, P99 {found.p99_ms:g} ms, errors {found.errors:.3%}, "
        f"{found.a_second:.1f} requests a second, available {found.available:.3%}"
    )
    limits = PROFILE.limits if PROFILE else FIRST_STAGE
    broken = list(found.broken(limits, PROFILE and PROFILE.a_second))
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
