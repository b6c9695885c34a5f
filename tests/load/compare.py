"""A product's main request against a bare endpoint with the same INSERT: in turns, in one run."""

import statistics
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tests.app.video_gateway.fake_comfyui import Comfy
from tests.load.scenarios import loaded, request_of
from tests.load.site import Site

ROUNDS = 12
"""So many that about as many jobs wait at the end of one as a queue may hold (QUEUE_LIMIT)."""
CONNECTIONS = 32
BARE = ("-m", "uvicorn", "tests.load.bare:app", "--port", "{port}", "--log-level", "error", "--no-access-log")
SLOW = ("-m", "uvicorn", "tests.load.slow:app", "--port", "{port}", "--log-level", "error", "--no-access-log")


@dataclass(frozen=True)
class Compared:
    """Medians of the rounds.

    service: requests a second, and processor time of one in microseconds.
    bare: the same of the floor.
    failed: requests of either that failed or were refused.
    """

    service: tuple[float, float]
    bare: tuple[float, float]
    failed: int

    @property
    def ratio(self) -> float:
        """Share of the floor's throughput."""
        return self.service[0] / self.bare[0]

    @property
    def figure(self) -> str:
        """In one line."""
        rates = f"{self.service[0]:.0f} and {self.bare[0]:.0f} requests a second"
        costs = f"{self.service[1]:.0f} and {self.bare[1]:.0f} us each"
        return f"{self.ratio:.2f} of its throughput ({rates}, {costs}; {self.failed} failed)"


def compare(here: Site, seconds: float) -> Compared:
    """One process of each, ``seconds`` in all without the starts; no job waits from one round to the next."""
    rates: dict[str, list[float]] = {"service": [], "bare": []}
    costs: dict[str, list[float]] = {"service": [], "bare": []}
    failed, request = 0, request_of(here.product)
    with (
        work_elsewhere(here) as variables,
        here.api(**variables) as service,
        here.process("bare", *BARE, path="/openapi.json") as bare,
    ):
        for _ in range(ROUNDS):
            for name, running in (("service", service), ("bare", bare)):
                before = running.processor_seconds
                run = loaded(here, running, request, seconds=seconds / (2 * ROUNDS), connections=CONNECTIONS)
                rates[name].append(run.per_second)
                costs[name].append(1e6 * (running.processor_seconds - before) / max(1, len(run.latencies)))
                failed += len(run.latencies) - run.statuses.get(here.product.accepted, 0) + run.errors
            here.empty()
        medians = [(statistics.median(rates[name]), statistics.median(costs[name])) for name in ("service", "bare")]
        return Compared(medians[0], medians[1], failed)


@contextmanager
def work_elsewhere(here: Site) -> Iterator[Mapping[str, str]]:
    """Variables of a process that takes requests and works too, by which its work is done elsewhere, as it is in
    production: by a model that takes a second for a text, or by a renderer that is busy all the time.
    """
    if here.product.name == "blog-ai":
        with here.process("slow", *SLOW, path="/health") as slow:
            yield {"LLM_PROVIDERS": "openai", "OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": slow.url}
    elif here.product.name == "video-gateway":
        with Comfy(holding=True).serving() as comfy:
            yield {"COMFYUI_URL": comfy.url}
    else:
        yield {}
