"""Loads that are counted: so many requests over so many connections (T05), and a spot node taken away in mid load."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from tests.load.client import Result, load, post
from tests.load.count import Count, accepted_by, counted, settle, until
from tests.load.product import Ask, Product
from tests.load.site import Running, Site

NOTICE_SECONDS = 0.2
"""From the signal to the end of a node; AWS gives two minutes, and the less there is the more is cut off."""
SHORT_LEASE = {"JOB_LEASE_SECONDS": "2", "JOB_SWEEP_SECONDS": "1", "JOB_RETRY_BASE_SECONDS": "0.1"}
"""So that what is cut off begins again within seconds."""
_VARIABLES = {**SHORT_LEASE, "WORKER_CONCURRENCY": "4"}
CONNECTIONS = 4
UNTIL_IT_BREAKS = 10**6


@dataclass(frozen=True)
class Run:
    """A load, the seconds until the last of its jobs was done, and what became of them."""

    result: Result
    seconds: float
    count: Count


def request_of(product: Product) -> Callable[[int], bytes]:
    """The main request by its number."""
    ask = product.main
    return lambda number: post(ask.path, json.dumps(ask.body(number)).encode())


def front_page(_: int) -> bytes:
    """The request for the page."""
    return b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def fixed(here: Site, api: Running, requests: int, connections: int) -> Run:
    """T05: so many requests over so many connections, then every job done, while the workers run."""
    began = time.monotonic()
    result = loaded(here, api, request_of(here.product), requests=requests, connections=connections)
    settle(here)
    taken = time.monotonic() - began
    return Run(result, taken, counted(here, accepted_by(here.product, result)))


def loaded(here: Site, running: Running, request: Callable[[int], bytes], **limits: float) -> Result:
    """A load on a process."""
    return asyncio.run(load("127.0.0.1", running.port, request, **limits))


def reclaim(here: Site, jobs: int, a_second: float) -> Run:
    """A node of the product's spot capacity goes in mid load: SIGTERM, a short notice, SIGKILL, and later another one.

    The process that goes may be the one that takes the requests: then those who are connected turn to the next.
    """
    spot = here.product.spot
    assert spot is not None, f"{here.product.name} has nothing on spot capacity"
    with ExitStack() as stack:
        others = [role for role in (here.product.api, *here.product.workers) if role != spot.role]
        up = {role.name: stack.enter_context(here.role(role, **SHORT_LEASE)) for role in others}
        serving = up.get(here.product.api.name)
        request = _spot_request(here, serving, spot.ask, jobs)
        limits = {"connections": CONNECTIONS, "rate": a_second}
        began = time.monotonic()
        with here.role(spot.role, **_VARIABLES) as victim, ThreadPoolExecutor(1) as thread:
            many = jobs if serving else UNTIL_IT_BREAKS
            first = thread.submit(loaded, here, serving or victim, request, requests=many, **limits)
            until(lambda: _running(here, spot.ask))
            os.kill(victim.pid, signal.SIGTERM)
            time.sleep(NOTICE_SECONDS)
            os.kill(victim.pid, signal.SIGKILL)
            with here.role(spot.role, **_VARIABLES) as replacement:
                results = [first.result()]
                if serving is None:
                    sent = len(results[0].latencies) + CONNECTIONS
                    rest = loaded(here, replacement, lambda number: request(sent + number), requests=jobs, **limits)
                    results.append(rest)
                settle(here, spot.ask)
                taken = time.monotonic() - began
    accepted = [made for result in results for made in accepted_by(here.product, result)]
    return Run(results[-1], taken, counted(here, accepted, spot.ask))


def _spot_request(here: Site, api: Running | None, ask: Ask, jobs: int) -> Callable[[int], bytes]:
    """The ask by its number; where it is about something that was made before, that is made first."""
    if "{of}" not in ask.path:
        return request_of(here.product)
    assert api is not None
    of = accepted_by(here.product, fixed(here, api, jobs, CONNECTIONS).result)
    return lambda number: post(ask.path.format(of=of[number]), b"")


def _running(here: Site, ask: Ask) -> bool:
    return bool(here.query(f"SELECT FROM ({ask.made}) AS made WHERE status = 'in_progress' LIMIT 1"))
