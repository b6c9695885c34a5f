"""The page of recipe-app in a real browser, on one origin with its API as the edge routes it."""

from __future__ import annotations

import json

import httpx
import pytest
from conftest import Fleet, eventually, run_app
from one_origin import one_origin
from playwright.sync_api import Browser, Page, Route, expect
from recipe_site import SECRET, StandingSite
from starlette.testclient import TestClient
from test_page import RecordProperty, browser, flaws, opened, picture  # noqa: F401  the browser is a fixture
from web_vitals import reported

from app.headers import SECURITY_HEADERS
from app.lifecycle import Lifecycle
from app.recipe_app.frontend import create
from app.recipe_app.settings import RecipePageSettings

HOSTILE = "<img src=x onerror=document.title='broken'> x"
ALONE = ("PATH", "PYTHONPATH", "HOST")


@pytest.fixture
def site(standing_site: StandingSite) -> str:
    """The page's address; no recipe is there yet."""
    for recipe in httpx.get(f"{standing_site.api}/api/recipes").json():
        httpx.delete(f"{standing_site.api}/api/recipes/{recipe['id']}")
    return standing_site.origin


def ask(page: Page, ingredients: str) -> None:
    page.get_by_label("Ingredients").fill(ingredients)
    page.get_by_role("button", name="Write a recipe").click()


@pytest.mark.requirement("Z04")
@pytest.mark.requirement("A16")
def test_a_person_gets_a_recipe_its_video_and_the_list_and_deletes_it(
    browser: Browser,  # noqa: F811
    site: str,
    record_property: RecordProperty,
) -> None:
    complaints: list[str] = []
    page = opened(browser, site, complaints)
    expect(page.get_by_role("status")).to_have_text("There is no recipe yet. Name some ingredients.")
    page.get_by_label("Ingredients").focus()
    page.keyboard.type("spaghetti, tomatoes, basil, garlic")
    page.get_by_role("button", name="Write a recipe").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("The recipe is ready.", timeout=15_000)
    expect(page.locator("article h3")).to_contain_text("Pasta with tomatoes")
    expect(page.locator("article ul")).to_contain_text("200 g spaghetti")
    assert page.locator("article ol li").count() >= 4
    page.get_by_role("button", name="Make a video").click()
    expect(page.get_by_role("status")).to_have_text("The recipe and its video are ready.", timeout=15_000)
    # The player has loaded the video, within what the page's policy allows.
    eventually(lambda: page.evaluate("document.querySelector('video')?.videoWidth === 640"))
    assert page.evaluate("document.querySelector('video').duration") > 3
    expect(page.locator("#recipes li")).to_have_count(1)
    picture(page, "recipes-light")
    assert flaws(page) == []
    page.reload()
    page.locator("#recipes button").first.click()
    expect(page.locator("article video")).to_be_visible()
    page.set_viewport_size({"width": 360, "height": 800})
    picture(page, "recipes-narrow")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete this recipe").click()
    expect(page.locator("#recipes li")).to_have_count(0)
    assert httpx.get(f"{site}/api/recipes").json() == []
    assert complaints == []
    reported(page, record_property)
    page.close()


def test_wrong_input_and_a_recipe_that_fails_are_said_in_words(browser: Browser, site: str) -> None:  # noqa: F811
    page = opened(browser, site, [], dark=True)
    page.get_by_role("button", name="Write a recipe").click()
    expect(page.locator("#ingredients-error")).to_have_text("Please name at least one ingredient.")
    expect(page.get_by_label("Ingredients")).to_be_focused()
    ask(page, "x" * 61)
    expect(page.locator("#ingredients-error")).to_contain_text("at most 60 characters")
    page.get_by_label("Diet").select_option("Vegan")
    ask(page, "beef")
    expect(page.get_by_text("No ingredient fits the diet.")).to_be_visible(timeout=15_000)
    page.get_by_label("Diet").select_option("Anything")
    ask(page, "米饭, 豆腐")
    expect(page.get_by_role("status")).to_have_text("The recipe is ready.", timeout=15_000)
    page.get_by_role("button", name="Make a video").click()
    expect(page.get_by_text("too many of its letters are not in the font")).to_be_visible(timeout=15_000)
    assert flaws(page) == []
    page.close()


@pytest.mark.requirement("A16")
def test_the_page_of_recipes_asks_again_after_as_long_as_a_429_says(
    browser: Browser,  # noqa: F811
    site: str,
) -> None:
    page = browser.new_page()
    refused: list[str] = []

    def first_refused(route: Route) -> None:
        if route.request.method in refused:
            route.continue_()
            return
        refused.append(route.request.method)
        route.fulfill(status=429, headers={"Retry-After": "1"}, json={"title": "Too Many Requests"})

    page.route("**/api/recipes", first_refused)
    page.goto(site)
    expect(page.get_by_role("alert").last).to_contain_text("Try again in 1 seconds.")
    expect(page.get_by_role("status")).to_have_text("There is no recipe yet. Name some ingredients.")
    ask(page, f"rice, {HOSTILE}")
    expect(page.get_by_role("alert").last).to_contain_text("Try again in 1 seconds.")
    expect(page.get_by_role("status")).to_have_text("The recipe is ready.", timeout=15_000)
    assert refused == ["GET", "POST"]
    expect(page.locator("article ul")).to_contain_text(HOSTILE)
    assert page.title() == "Recipes" and page.locator("main img").count() == 0
    page.close()


def test_where_keys_are_asked_for_each_client_sees_its_own_recipes_alone(
    browser: Browser,  # noqa: F811
    recipe_fleet: Fleet,
) -> None:
    complaints: list[str] = []
    secret = {"API_KEY_REQUIRED": "true", "JWT_SECRET": SECRET}
    keys = [json.loads(run_app(recipe_fleet, "keys", "create", client).stdout)["secret"] for client in ("acme", "b")]
    with (
        recipe_fleet.process("recipes", "serve", "--role", "recipes", **secret) as (_, api),
        recipe_fleet.process("page", "serve", "--role", "recipes-page") as (_, shown),
        one_origin(api, shown) as site,
    ):
        page = opened(browser, site, complaints)
        expect(page.get_by_label("API key")).to_be_focused()
        page.get_by_label("API key").fill(keys[0])
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#client")).to_have_text("Signed in as acme.")
        ask(page, "rice")
        expect(page.locator("#recipes li")).to_have_count(1)
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("API key").fill(keys[1])
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("status")).to_have_text("There is no recipe yet. Name some ingredients.")
        expect(page.locator("#recipes li")).to_have_count(0)
        assert complaints == []
        page.close()


def front_end() -> TestClient:
    return TestClient(create(RecipePageSettings(), Lifecycle()), raise_server_exceptions=False)


@pytest.mark.requirement("Z04")
def test_the_image_serves_the_page_of_recipes_with_neither_database_nor_secret(recipe_fleet: Fleet) -> None:
    bare = Fleet({name: recipe_fleet.environment[name] for name in ALONE}, recipe_fleet.folder)
    with bare.process("page", "serve", "--role", "recipes-page", ENVIRONMENT="prod") as (_, url):
        assert "<title>Recipes</title>" in httpx.get(url).text
        assert httpx.get(f"{url}/ready").json() == {"status": "ready"}
        assert "http_requests_total" in httpx.get(f"{url}/metrics").text


@pytest.mark.requirement("A16")
def test_the_files_of_recipes_are_small_and_kept_for_a_year_with_the_security_headers() -> None:
    page = front_end().get("/")
    waiting = [part.partition('"')[0] for part in page.text.split('"/static/')[1:]]
    sizes = {}
    while waiting:
        name = waiting.pop()
        answer = front_end().get(f"/static/{name}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert {answer.headers[one] for one in SECURITY_HEADERS} == set(SECURITY_HEADERS.values())
        sizes[name] = len(answer.content)
        waiting += [part.partition('"')[0] for part in answer.text.split('from "./')[1:] if part not in sizes]
    assert sum(name.endswith(".js") for name in sizes) == 6
    assert sum(size for name, size in sizes.items() if name.endswith(".js")) <= 20_000
    assert sum(size for name, size in sizes.items() if name.endswith(".css")) <= 10_000
