"""The load profiles of every product: what they send, which limits fail a run, and loads that lose nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Fleet

from tests.app.video_gateway.fake_comfyui import Comfy
from tests.load.count import accepted_by, counted
from tests.load.locust_process import FILE, ROOT, run_locust
from tests.load.product import Product
from tests.load.products.content_generation import CONTENT_GENERATION
from tests.load.products.recipe_app import RECIPE_APP
from tests.load.products.registry import PRODUCTS
from tests.load.products.texts import PRIORITIES
from tests.load.products.video_gateway import VIDEO_GATEWAY
from tests.load.products.workflow_dashboard import WORKFLOW_DASHBOARD
from tests.load.profiles import PROFILES, Found, Limits, profile_of
from tests.load.scenarios import fixed, front_page, loaded, reclaim, request_of
from tests.load.site import NEVER_REFUSED, Site

SECONDS = 60
"""More than any load here takes."""
FIXTURES = {
    "content-generation": ("fleet", "database_url"),
    "workflow-dashboard": ("dashboard_fleet", "dashboard_url"),
    "blog-ai": ("blog_fleet", "blog_url"),
    "recipe-app": ("film_fleet", "recipe_url"),
    "video-gateway": ("gateway_fleet", "gateway_url"),
}
"""Fixtures of each product's variables and database."""
FIXED = (200, 40)
"""Requests at concurrency 50; fewer where each is a video."""
ORDERED_BY = {
    "content-generation": ("priority FROM jobs", set(PRIORITIES)),
    "blog-ai": ("priority FROM jobs", set(PRIORITIES)),
    "recipe-app": ("complexity FROM recipes", {"simple", "demanding"}),
    "video-gateway": ("priority FROM generated_videos", {"low", "normal", "high"}),
}
"""Priorities of each product that has a queue."""

WELL = re.compile(r"errors 0\.000%, .* available 100\.000%")
# In a process of its own: locust replaces the sockets of whoever imports it.
LOOK = """
import json, runpy
found = runpy.run_path("{file}")
client = found["Client"]
weights = dict()
for task in client.tasks:
    weights[task.__name__] = weights.get(task.__name__, 0) + 1
waits = [client.wait_time(None) for _ in range(200)]
print(json.dumps([weights, min(waits), max(waits)]))
"""

# One client with a service that gives each job the next number.
POLL = """
import contextlib, json, runpy, types
given, polled = [], set()

class Client:
    @contextlib.contextmanager
    def post(self, path, **_):
        given.append(str(len(given)))
        reply = dict(status_code=202, json=lambda: dict(job_id=given[-1]), success=lambda: None)
        yield types.SimpleNamespace(**reply)

    def get(self, path, **_):
        polled.add(path)

found = runpy.run_path("{file}")
one = object.__new__(found["Client"])
one.client = Client()
one.on_start()
for _ in range(13):
    one.send(found["PRODUCT"].main)
for _ in range(500):
    one.look()
print(json.dumps(sorted(polled)))
"""


@pytest.fixture(params=PRODUCTS.values(), ids=PRODUCTS)
def product(request: pytest.FixtureRequest) -> Product:
    return request.param


@pytest.fixture
def here(product: Product, request: pytest.FixtureRequest, empty_redis: None) -> Site:
    """The product over this session's servers; nothing runs yet."""
    fleet, url = (request.getfixturevalue(name) for name in FIXTURES[product.name])
    fleet = fleet if isinstance(fleet, Fleet) else fleet.fleet
    own = {"PRODUCT": product.name, "QUEUE_LIMIT": NEVER_REFUSED[:6]}
    return Site(product, fleet.folder, url, {**fleet.environment, **own})


@contextmanager
def rendering(product: Product) -> Iterator[dict[str, str]]:
    """Variables by which video-gateway has its videos rendered at once: what is tested is that none gets lost."""
    if product is not VIDEO_GATEWAY:
        yield {}
        return
    with Comfy(step_seconds=0).serving() as comfy:
        yield {"COMFYUI_URL": comfy.url, "WORKER_CONCURRENCY": "16"}


def described(script: str = LOOK, **variables: str) -> list[object]:
    done = subprocess.run(
        [sys.executable, "-c", script.format(file=FILE)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return list(json.loads(done.stdout))


@pytest.mark.requirement("T01")
def test_the_scenario_has_the_documents_weights_and_waits() -> None:
    weights, shortest, longest = described()
    assert weights == {"blog": 3, "look": 2, "social": 1}
    assert isinstance(shortest, float) and isinstance(longest, float)
    assert 1 <= shortest < 2 and 4 < longest <= 5


@pytest.mark.requirement("T01")
def test_every_products_scenario_has_the_same_weights(product: Product) -> None:
    assert sorted(one.weight for one in product.asks) == [1, 3]
    assert product.main.weight == 3


@pytest.mark.requirement("T01")
def test_a_client_polls_any_of_its_last_ten_jobs_and_no_older_one() -> None:
    assert described(POLL) == [f"/status/{number}" for number in sorted(map(str, range(3, 13)))]


@pytest.mark.requirement("T01")
@pytest.mark.requirement("T02")
@pytest.mark.requirement("T04")
@pytest.mark.requirement("T05")
def test_whatever_is_accepted_under_load_is_done_once(product: Product, here: Site) -> None:
    """The scenario in short steps of up to 200 users, none of whom is refused, then a fixed number of requests at
    concurrency 50; all by random priorities. Times are figures of `make bench`.
    """
    short = {"PRODUCT": product.name, "PROFILE": "steps", "STEP_SECONDS": "0.6", "REST_SECONDS": "0.1"}
    with rendering(product) as variables, here.api(**variables) as api, here.workers():
        done = run_locust(api.url, seconds=SECONDS, **short)
        assert WELL.search(done.stdout), done.stdout + done.stderr
        said = next(line for line in done.stdout.splitlines() if line.startswith("accepted: "))
        number = int(said.partition("accepted: ")[2].partition(",")[0])
        assert number >= 20, "a busy machine takes fewer, but never none"
        assert said == f"accepted: {number}, finished: {number}, lost: 0"
        number = FIXED[product is VIDEO_GATEWAY]
        run = fixed(here, api, number, 50)
    assert run.result.statuses == {product.accepted: number}
    assert (run.count.accepted, run.count.finished) == (number, number)
    assert (run.count.lost, run.count.twice, run.count.again) == ((), (), 0)
    if product is not WORKFLOW_DASHBOARD:
        column, priorities = ORDERED_BY[product.name]
        assert {row[0] for row in here.query(f"SELECT DISTINCT {column}")} == priorities
        assert here.query("SELECT count(*) FROM pgqueuer")[0][0] == 0


@pytest.mark.requirement("K12")
@pytest.mark.parametrize("product", [RECIPE_APP, VIDEO_GATEWAY], ids=lambda one: one.name)
def test_a_spot_node_taken_away_in_mid_load_loses_nothing_and_nothing_is_done_twice(
    product: Product, here: Site
) -> None:
    run = reclaim(here, 12, 8)
    assert run.count.accepted >= 12
    assert run.count.finished == run.count.accepted
    assert (run.count.lost, run.count.twice) == ((), ())
    assert run.count.again > 0, "nothing was under way when the node went"


def test_what_is_lost_or_done_twice_is_counted(tmp_path: Path, database_url: str) -> None:
    here = Site(CONTENT_GENERATION, tmp_path, database_url, {})
    here.query(
        "INSERT INTO jobs (id, created_at, client_id, topic, content_type, priority, expires_at, status, attempt)"
        " SELECT id, now(), 'load', 'Topic', 'blog', 'cost', now(), status, 2"
        " FROM (VALUES ('done', 'completed'), ('twice', 'completed'), ('failed', 'failed')) AS made (id, status)"
    )
    lines = [f'{{"event":"job completed","job_id":"{job}"}}' for job in ("done", "twice", "twice")]
    here.log("worker").write_text("\n".join(lines))
    found = counted(here, ["done", "twice", "failed", "gone"])
    assert (found.accepted, found.finished, found.lost) == (4, 2, ("failed", "gone"))
    assert (found.twice, found.again) == (("twice",), 2)


@pytest.mark.requirement("T02")
def test_the_first_stage_is_the_documents_and_holds(fleet: Fleet, database_url: str) -> None:
    first = PROFILES["first"]
    assert (first.users, first.a_second) == ((100,), 50)
    assert first.limits == Limits(p95_ms=2000, p99_ms=5000, errors=0.01, available=0.995)
    here = Site(CONTENT_GENERATION, fleet.folder, database_url, fleet.environment)
    with here.api() as api, here.workers():
        done = run_locust(api.url, seconds=SECONDS, PROFILE="first", STEP_SECONDS="10")
    # Times are a figure of `make bench ONLY=profiles`, on a machine that does nothing else.
    assert WELL.search(done.stdout), done.stdout + done.stderr
    assert len(here.query("SELECT id FROM jobs WHERE status = 'completed'")) > 50


@pytest.mark.requirement("T03")
def test_productions_load_is_the_documents(fleet: Fleet, database_url: str) -> None:
    """`make bench ONLY=production` runs it whole; here its users ask for some seconds."""
    production = PROFILES["production"]
    assert (production.users, production.a_second, production.seconds) == ((1000,), 500, 600)
    assert production.limits == Limits(p95_ms=1000, p99_ms=3000, errors=0.001, available=0.999)
    here = Site(CONTENT_GENERATION, fleet.folder, database_url, fleet.environment)
    with here.api() as api, here.workers():
        done = run_locust(api.url, seconds=SECONDS, PROFILE="production", STEP_SECONDS="3")
    assert "available 100.000%" in done.stdout, done.stdout + done.stderr
    [(accepted, finished, lost)] = re.findall(r"accepted: (\d+), finished: (\d+), lost: (\d+)", done.stdout)
    assert (accepted, lost) == (finished, "0")
    # What was asked in the last moment is there too, but nobody heard it promised.
    assert 50 < int(accepted) <= len(here.query("SELECT id FROM jobs WHERE status = 'completed'"))


@pytest.mark.requirement("T02")
@pytest.mark.requirement("T03")
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"p95_ms": 1001}, "P95 ms 1001 > 1000"),
        ({"p99_ms": 3001}, "P99 ms 3001 > 3000"),
        ({"errors": 0.0011}, "errors 0.0011 > 0.001"),
        ({"available": 0.9989}, "availability 0.9989 < 0.999"),
        ({"a_second": 449.0}, "requests a second 449 < 450"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_each_bound_of_a_profile_is_judged(changed: dict[str, float], said: str) -> None:
    production = PROFILES["production"]
    good = Found(p95_ms=1000, p99_ms=3000, errors=0.001, available=0.999, a_second=450)
    assert list(good.broken(production.limits, production.a_second)) == []
    assert list(replace(good, **changed).broken(production.limits, production.a_second)) == [said]


@pytest.mark.requirement("T02")
@pytest.mark.requirement("T03")
def test_a_run_against_a_service_that_is_not_there_fails_and_counts_it_as_away() -> None:
    done = run_locust("http://127.0.0.1:1", seconds=SECONDS, PROFILE="first", STEP_SECONDS="2")
    assert done.returncode == 1
    assert "available 0.000%" in done.stdout
    assert "limits broken: errors 1 > 0.01; availability 0 < 0.995" in done.stdout


def test_a_profile_that_there_is_not_and_seconds_that_are_none_are_refused_with_what_is_allowed() -> None:
    with pytest.raises(SystemExit, match="PROFILE=secnd: there is none of that name; there are first, production"):
        profile_of({"PROFILE": "secnd"})
    with pytest.raises(SystemExit, match=r"STEP_SECONDS=5m: give a number of seconds, such as 0\.5"):
        profile_of({"PROFILE": "steps", "STEP_SECONDS": "5m"})
    assert profile_of({}) is None
    shorter = profile_of({"PROFILE": "steps", "STEP_SECONDS": "0.5", "REST_SECONDS": "0"})
    assert shorter == replace(PROFILES["steps"], seconds=0.5, rest=0)


@pytest.mark.requirement("T01")
def test_a_run_whose_jobs_are_never_done_fails(fleet: Fleet, database_url: str) -> None:
    here = Site(CONTENT_GENERATION, fleet.folder, database_url, fleet.environment)
    with here.api() as api:
        done = run_locust(api.url, "-u", "4", "-r", "4", "-t", "2s", seconds=SECONDS, FINISH_SECONDS="0.5")
    assert done.returncode == 1
    assert "finished: 0" in done.stdout and "states of what is lost: ['pending']" in done.stdout


@pytest.mark.requirement("T04")
def test_the_steps_are_the_documents() -> None:
    steps = PROFILES["steps"]
    users = [steps.users_at(second) for second in range(210)]
    assert Counter(users[:200]) == {10: 30, 25: 30, 50: 30, 100: 30, 200: 30, 0: 50}
    assert users[:40] == [10] * 30 + [0] * 10
    assert users[200:] == [None] * 10


@pytest.mark.requirement("T05")
def test_a_thousand_requests_at_concurrency_fifty_are_a_thousand_jobs(fleet: Fleet, database_url: str) -> None:
    here = Site(CONTENT_GENERATION, fleet.folder, database_url, fleet.environment)
    with here.api() as api:
        run = loaded(here, api, request_of(CONTENT_GENERATION), connections=50, requests=1000)
    assert run.statuses == {202: 1000}
    stored = {row["id"] for row in here.query("SELECT id FROM jobs WHERE status = 'pending'")}
    assert stored == set(accepted_by(CONTENT_GENERATION, run)) and len(stored) == 1000


@pytest.mark.requirement("T05")
def test_a_hundred_requests_at_concurrency_ten_are_answered_by_the_front_end(product: Product, here: Site) -> None:
    of_api = replace(product.api, variables={"FRONTEND_PORT": "{port}", "BACKEND_PORT": "{other}"})
    with here.role(product.page or of_api) as page:
        run = loaded(here, page, front_page, connections=10, requests=100)
    assert run.statuses == {200: 100}


@pytest.mark.requirement("T05")
def test_a_hundred_connections_read_the_list_of_workflows_for_a_minute(
    dashboard_fleet: Fleet, dashboard_url: str
) -> None:
    connections = PROFILES["connections"]
    assert (connections.users, connections.seconds, connections.reads) == ((100,), 60, True)
    here = Site(WORKFLOW_DASHBOARD, dashboard_fleet.folder, dashboard_url, dashboard_fleet.environment)
    with here.api() as api:
        done = run_locust(
            api.url, seconds=SECONDS, PRODUCT="workflow-dashboard", PROFILE="connections", STEP_SECONDS="3"
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"GET +/api/workflows +[1-9]", done.stderr)
    assert "accepted: 0, finished: 0, lost: 0" in done.stdout
