"""The page of workflow-dashboard in a real browser, on one origin with its API as the edge routes it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from conftest import Fleet, run_app
from one_origin import one_origin
from playwright.sync_api import APIResponse, Browser, Page, Route, expect
from starlette.testclient import TestClient
from test_page import RecordProperty, browser, flaws, opened, picture  # noqa: F401  the browser is a fixture
from web_vitals import reported

from app.headers import SECURITY_HEADERS
from app.lifecycle import Lifecycle
from app.workflow_dashboard.frontend import create
from app.workflow_dashboard.settings import DashboardPageSettings

ALONE = ("PATH", "PYTHONPATH", "HOST")


def front_end(lifecycle: Lifecycle | None = None, **values: object) -> TestClient:
    settings = DashboardPageSettings(**values)  # type: ignore[arg-type]
    return TestClient(create(settings, lifecycle or Lifecycle()), raise_server_exceptions=False)


@pytest.fixture
def site(dashboard_fleet: Fleet) -> Iterator[str]:
    with (
        dashboard_fleet.process("workflows", "serve", "--role", "workflows") as (_, api),
        dashboard_fleet.process("page", "serve", "--role", "workflows-page") as (_, page),
        one_origin(api, page) as origin,
    ):
        yield origin


def create_workflow(page: Page, name: str, description: str = "") -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Description").fill(description)
    page.get_by_role("button", name="Create workflow").click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


@pytest.mark.requirement("Z02")
@pytest.mark.requirement("A16")
def test_a_person_makes_a_workflow_adds_tasks_and_moves_one_to_done_by_keyboard_alone(
    browser: Browser,  # noqa: F811
    site: str,
    record_property: RecordProperty,
) -> None:
    complaints: list[str] = []
    page = opened(browser, site, complaints)
    expect(page.get_by_role("status")).to_have_text("There is no workflow yet. Create the first one.")
    page.get_by_label("Name").focus()
    page.keyboard.type("Publish the newsletter")
    page.keyboard.press("Enter")
    expect(page.get_by_label("New task")).to_be_focused()
    for title in ("Write the introduction", "Send it"):
        page.keyboard.type(title)
        page.keyboard.press("Enter")
        expect(page.get_by_text(title, exact=True)).to_be_visible()
        expect(page.get_by_label("New task")).to_be_focused()
    page.get_by_label("State of Write the introduction").select_option("Done")
    expect(page.get_by_role("status")).to_have_text("“Write the introduction”: Done.")
    expect(page.get_by_label("State of Write the introduction")).to_be_focused()
    picture(page, "dashboard-light")
    assert flaws(page) == []
    reported(page, record_property)
    page.reload()
    expect(page.get_by_text("1 of 2 done")).to_be_visible()
    expect(page.get_by_label("State of Write the introduction")).to_have_value("done")
    expect(page.get_by_label("State of Send it")).to_have_value("pending")
    (stored,) = httpx.get(f"{site}/api/workflows").json()
    assert [(task["title"], task["status"]) for task in stored["tasks"]] == [
        ("Write the introduction", "done"),
        ("Send it", "pending"),
    ]
    assert complaints == []
    page.close()


def test_a_workflow_that_is_made_while_the_list_comes_is_shown_once(browser: Browser, site: str) -> None:  # noqa: F811
    page = browser.new_page()
    held: list[Route] = []

    def list_first(route: Route) -> None:
        """The list, which was read before the workflow was made, comes while that is on its way."""
        if route.request.method == "GET" and not held:
            held.append(route)
            return
        answer = route.fetch()
        if route.request.method == "POST":
            held[0].fulfill(json=[])
        route.fulfill(response=answer)

    page.route("**/api/workflows", list_first)
    page.goto(site)
    create_workflow(page, "Newsletter")
    expect(page.get_by_role("heading", name="Newsletter", exact=True)).to_have_count(1)
    page.close()


def test_a_workflow_is_paused_and_deleted_on_the_page(browser: Browser, site: str) -> None:  # noqa: F811
    complaints: list[str] = []
    page = opened(browser, site, complaints)
    create_workflow(page, "Newsletter", "Every Friday.")
    page.get_by_label("State of the workflow").select_option("Paused")
    expect(page.get_by_text("Paused, 0 of 0 done")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete Newsletter").click()
    expect(page.get_by_role("heading", name="Newsletter", exact=True)).to_have_count(0)
    assert httpx.get(f"{site}/api/workflows").json() == []
    assert complaints == []
    page.close()


def test_a_workflow_without_a_name_is_refused_in_words_beside_the_field(
    browser: Browser,  # noqa: F811
    site: str,
) -> None:
    page = opened(browser, site, [])
    page.get_by_role("button", name="Create workflow").click()
    expect(page.locator("#name-error")).to_have_text("Please give the workflow a name.")
    expect(page.get_by_label("Name")).to_be_focused()
    assert flaws(page) == []
    page.close()


def test_texts_of_others_are_never_run(browser: Browser, site: str) -> None:  # noqa: F811
    complaints: list[str] = []
    hostile = "<img src=x onerror=document.title='broken'> x"
    workflow = httpx.post(f"{site}/api/workflows", json={"name": hostile, "description": hostile}).json()
    httpx.post(f"{site}/api/workflows/{workflow['id']}/tasks", json={"title": hostile})
    page = opened(browser, site, complaints)
    expect(page.get_by_text(hostile, exact=True)).to_have_count(3)
    assert page.locator("main img").count() == 0
    assert page.title() == "Workflow dashboard"
    assert complaints == []
    page.close()


@pytest.mark.requirement("A16")
def test_the_page_fits_360_pixels_and_the_dark(browser: Browser, site: str) -> None:  # noqa: F811
    workflow = httpx.post(f"{site}/api/workflows", json={"name": "W" * 200, "description": "long " * 300}).json()
    httpx.post(f"{site}/api/workflows/{workflow['id']}/tasks", json={"title": "T" * 200})
    page = opened(browser, site, [], dark=True, width=360)
    expect(page.get_by_role("heading", name="W" * 200)).to_be_visible()
    picture(page, "dashboard-dark-narrow")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert flaws(page) == []
    page.close()


@pytest.mark.requirement("A16")
def test_the_page_asks_again_after_as_long_as_a_429_says(browser: Browser, site: str) -> None:  # noqa: F811
    httpx.post(f"{site}/api/workflows", json={"name": "Newsletter"})
    page = browser.new_page()
    asked: list[int] = []

    def first_refused(route: Route) -> None:
        asked.append(1)
        if len(asked) == 1:
            route.fulfill(status=429, headers={"Retry-After": "1"}, json={"title": "Too Many Requests"})
        else:
            route.continue_()

    page.route("**/api/workflows", first_refused)
    page.goto(site)
    expect(page.get_by_role("alert").last).to_contain_text("Try again in 1 seconds.")
    expect(page.get_by_role("heading", name="Newsletter", exact=True)).to_be_visible()
    expect(page.locator("#problem")).to_be_hidden()
    assert len(asked) == 2
    page.close()


def test_a_list_that_comes_late_does_not_hide_what_was_made_meanwhile(browser: Browser, site: str) -> None:  # noqa: F811
    httpx.post(f"{site}/api/workflows", json={"name": "From before"})
    page = browser.new_page()
    held: list[tuple[Route, APIResponse]] = []

    def hold_the_first(route: Route) -> None:
        if route.request.method == "GET" and not held:
            held.append((route, route.fetch()))
        else:
            route.continue_()

    page.route("**/api/workflows", hold_the_first)
    page.goto(site)
    create_workflow(page, "Made meanwhile")
    route, early = held[0]
    with page.expect_response(lambda answer: answer.url.endswith("/api/workflows") and "Made" in answer.text()):
        route.fulfill(response=early)
    expect(page.get_by_role("heading", name="From before")).to_be_visible()
    expect(page.get_by_role("heading", name="Made meanwhile")).to_be_visible()
    page.close()


def test_where_keys_are_asked_for_each_client_changes_its_own_workflows_alone(
    browser: Browser,  # noqa: F811
    dashboard_fleet: Fleet,
) -> None:
    complaints: list[str] = []
    secret = {"API_KEY_REQUIRED": "true", "SESSION_SECRET": "s" * 40}
    keys = [json.loads(run_app(dashboard_fleet, "keys", "create", client).stdout)["secret"] for client in ("acme", "b")]
    with (
        dashboard_fleet.process("workflows", "serve", "--role", "workflows", **secret) as (_, api),
        dashboard_fleet.process("page", "serve", "--role", "workflows-page") as (_, shown),
        one_origin(api, shown) as site,
    ):
        page = opened(browser, site, complaints)
        expect(page.get_by_label("API key")).to_be_focused()
        assert flaws(page) == []
        page.get_by_label("API key").fill(keys[0])
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#client")).to_have_text("Signed in as acme.")
        create_workflow(page, "Of acme")
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("API key").fill(keys[1])
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Of acme", exact=True)).to_be_visible()
        expect(page.get_by_label("New task")).to_have_count(0)
        assert complaints == []
        page.close()


def test_a_back_end_that_is_gone_is_said_in_words_and_the_form_stays_as_it_was(
    browser: Browser,  # noqa: F811
    dashboard_fleet: Fleet,
) -> None:
    with (
        dashboard_fleet.process("page", "serve", "--role", "workflows-page") as (_, shown),
        dashboard_fleet.process("workflows", "serve", "--role", "workflows") as (process, api),
        one_origin(api, shown) as site,
    ):
        page = opened(browser, site, [])
        page.get_by_label("Name").fill("Newsletter")
        process.kill()
        process.wait()
        page.get_by_role("button", name="Create workflow").click()
        expect(page.locator("#problem")).to_be_visible()
        expect(page.get_by_label("Name")).to_have_value("Newsletter")
        expect(page.get_by_role("button", name="Create workflow")).to_be_enabled()
        page.close()


@pytest.mark.requirement("Z02")
def test_the_image_serves_the_page_on_its_port_with_neither_database_nor_secret(dashboard_fleet: Fleet) -> None:
    bare = Fleet({name: dashboard_fleet.environment[name] for name in ALONE}, dashboard_fleet.folder)
    with bare.process("page", "serve", "--role", "workflows-page", ENV="prod") as (_, url):
        answer = httpx.get(url)
        assert answer.status_code == 200
        assert "<title>Workflow dashboard</title>" in answer.text
        assert httpx.get(f"{url}/health").json() == {"status": "healthy"}
        assert httpx.get(f"{url}/ready").json() == {"status": "ready"}
        assert "http_requests_total" in httpx.get(f"{url}/metrics").text
        assert httpx.get(f"{url}/api/workflows").status_code == 404


@pytest.mark.requirement("A16")
def test_the_pages_files_are_small_named_by_their_content_and_kept_for_a_year() -> None:
    page = front_end().get("/")
    assert page.headers["cache-control"] == "no-cache"
    waiting = [part.partition('"')[0] for part in page.text.split('"/static/')[1:]]
    assert len(waiting) == 4
    sizes = {}
    while waiting:
        name = waiting.pop()
        answer = front_end().get(f"/static/{name}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        sizes[name] = len(answer.content)
        waiting += [part.partition('"')[0] for part in answer.text.split('from "./')[1:] if part not in sizes]
    assert sum(name.endswith(".js") for name in sizes) == 4
    assert sum(size for name, size in sizes.items() if name.endswith(".js")) <= 20_000
    assert sum(size for name, size in sizes.items() if name.endswith(".css")) <= 10_000


@pytest.mark.parametrize("path", ["/", "/static/none.js", "/health", "/none"])
def test_every_answer_of_the_dashboards_front_end_carries_the_security_headers(path: str) -> None:
    answer = front_end().get(path)
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers.get_list(name) == [value]


def test_a_dashboards_front_end_on_its_way_out_is_not_ready_and_still_serves() -> None:
    leaving = front_end(Lifecycle(draining=True))
    assert leaving.get("/ready").status_code == 503
    assert leaving.get("/").status_code == 200
