"""Each product as processes on servers of its own: its floor, its memory, a fixed load, and a spot node lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.bench.document import Section, machine
from tests.load.bench import SECONDS
from tests.load.compare import compare
from tests.load.product import Product
from tests.load.products.content_generation import CONTENT_GENERATION
from tests.load.products.registry import PRODUCTS
from tests.load.scenarios import fixed, front_page, loaded, reclaim
from tests.load.site import site

REQUESTS, CONNECTIONS = 1000, 50
PAGE_REQUESTS, PAGE_CONNECTIONS = 100, 10
"""T05."""
VIDEOS = 30
"""As many where each is rendered by the processor of this machine."""
RECLAIMED, A_SECOND = 30, 5
GOAL = {CONTENT_GENERATION.name: ">= 0.60"}
Row = tuple[str, str, str, str]


def section(_: Path) -> Section:
    """Every product in turn."""
    rows = tuple(row for product in PRODUCTS.values() for row in _rows(product))
    text = (
        "Each by its main request with a random priority. The floor is a bare FastAPI endpoint that validates the same "
        "body and writes the same columns, in turns in one run; work of the same process is done elsewhere meanwhile. "
        f"Client, processes, Postgres and Redis on the same {machine()}. Timed runs of {SECONDS:.0f} s "
        "(`BENCH_SECONDS`). Command: `make bench ONLY=products`."
    )
    return Section("The products", text, ("product", "what", "figure", "goal"), rows)


def _rows(product: Product) -> Iterator[Row]:
    with site(product) as here:
        goal = GOAL.get(product.name, ">= 0.50")
        yield _row(product, f"POST {product.main.path} against its floor", compare(here, SECONDS).figure, goal)
        here.empty()
        renders = product.bucket and not product.workers
        with ExitStack() as stack:
            api = stack.enter_context(here.api())
            up = {product.api.name: api, **stack.enter_context(here.workers())}
            if product.page is not None:
                up[product.page.name] = stack.enter_context(here.role(product.page))
                front = loaded(
                    here, up[product.page.name], front_page, requests=PAGE_REQUESTS, connections=PAGE_CONNECTIONS
                )
                what = f"{PAGE_REQUESTS} requests at concurrency {PAGE_CONNECTIONS} to the front end"
                yield _row(product, what, f"P95 {front.percentile(95):.0f} ms, {front.failed} failed", "none failed")
            number = VIDEOS if renders else REQUESTS
            run = fixed(here, api, number, CONNECTIONS)
            times = f"P95 {run.result.percentile(95):.0f} ms, P99 {run.result.percentile(99):.0f} ms"
            what = f"{number} requests at concurrency {CONNECTIONS}"
            yield _row(product, what, times, "P95 < 2 s, P99 < 5 s")
            figure = f"{run.count.figure}; all done after {run.seconds:.1f} s"
            yield _row(product, f"{what}: what became of them", figure, "all once")
            sizes = ", ".join(f"{name} {running.megabytes:.0f} MB" for name, running in up.items())
            yield _row(product, "memory of each process afterwards", sizes, "-")
        if product.spot is not None:
            here.empty()
            lost = reclaim(here, RECLAIMED, A_SECOND)
            what = f"the spot node of {product.spot.role.name} taken away in mid load"
            figure = f"{lost.count.figure}, {lost.count.again} begun again; all done after {lost.seconds:.1f} s"
            yield _row(product, what, figure, "all once")


def _row(product: Product, what: str, figure: str, goal: str) -> Row:
    print(f"  {product.name}: {what}: {figure}", flush=True)
    return product.name, what, figure, goal
