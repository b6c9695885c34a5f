"""The page of video-gateway in a real browser, on one origin with its API as the edge routes it."""

from __future__ import annotations

import json

import httpx
import pytest
from conftest import Fleet, eventually, run_app
from gateway_site import GatewaySite
from one_origin import one_origin
from playwright.sync_api import Browser, Page, Route, expect
from test_page import RecordProperty, browser, flaws, opened, picture  # noqa: F401  the browser is a fixture
from web_vitals import reported

from app.headers import SECURITY_HEADERS

HOSTILE = "<img src=x onerror=document.title='broken'> x"
ALONE = ("PATH", "PYTHONPATH", "HOST")


@pytest.fixture
def site(gateway_site: GatewaySite) -> str:
    """The page's address; no video is there yet."""
    for video in httpx.get(f"{gateway_site.api}/api/videos").json():
        httpx.delete(f"{gateway_site.api}/api/videos/{video['id']}")
    return gateway_site.origin


def ask(page: Page, prompt: str, seconds: int = 2) -> None:
    page.get_by_label("Prompt").fill(prompt)
    page.get_by_label("Length").fill(str(seconds))
    page.get_by_role("button", name="Generate the video").click()


def ready(page: Page) -> None:
    expect(page.get_by_role("status")).to_have_text("The video is ready.", timeout=20_000)


@pytest.mark.requirement("A16")
def test_a_person_describes_a_scene_plays_its_video_and_deletes_it(
    browser: Browser,  # noqa: F811
    site: str,
    record_property: RecordProperty,
) -> None:
    complaints: list[str] = []
    page = opened(browser, site, complaints)
    expect(page.get_by_role("status")).to_have_text("There is no video yet. Describe a scene.")
    page.get_by_label("Prompt").focus()
    page.keyboard.type("A red kite over green hills, and a lighthouse")
    page.get_by_role("button", name="Generate the video").focus()
    page.keyboard.press("Enter")
    ready(page)
    expect(page.locator("article h3")).to_have_text("A red kite over green hills, and a lighthouse")
    # The player has loaded the video, within what the page's policy allows.
    eventually(lambda: page.evaluate("document.querySelector('video')?.videoWidth === 640"))
    assert page.evaluate("document.querySelector('video').duration") == pytest.approx(4, abs=0.1)
    page.evaluate("document.querySelector('video').play()")
    eventually(lambda: page.evaluate("document.querySelector('video').currentTime > 0.5"))
    page.evaluate("document.querySelector('video').pause()")
    expect(page.locator("#videos li")).to_have_count(1)
    picture(page, "video-gateway")
    assert flaws(page) == []
    page.reload()
    page.locator("#videos button").first.click()
    expect(page.locator("article video")).to_be_visible()
    page.set_viewport_size({"width": 360, "height": 800})
    picture(page, "video-gateway-narrow")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete this video").click()
    expect(page.locator("#videos li")).to_have_count(0)
    assert httpx.get(f"{site}/api/videos").json() == []
    assert complaints == []
    reported(page, record_property)
    page.close()


def test_progress_is_shown_and_a_video_can_be_cancelled_meanwhile(browser: Browser, site: str) -> None:  # noqa: F811
    page = opened(browser, site, [], dark=True)
    seen = {"status": "in_progress", "percent": 37}

    def half_done(route: Route) -> None:
        if route.request.method != "GET":
            route.continue_()
            return
        route.fulfill(json={**route.fetch().json(), **seen, "url": None, "error": None})

    page.route("**/api/videos/*", half_done)
    ask(page, "A slow river", 10)
    expect(page.get_by_role("status")).to_have_text("The video is being rendered.")
    expect(page.locator("#percent-text")).to_have_text("37 %")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "37")
    assert flaws(page) == []
    page.get_by_role("button", name="Cancel this video").click()
    expect(page.get_by_role("status")).to_have_text("Cancelled “A slow river”.")
    expect(page.get_by_role("progressbar")).to_be_hidden()
    assert httpx.get(f"{site}/api/videos").json() == []
    page.close()


def test_wrong_input_and_a_video_that_fails_are_said_in_words_and_may_be_tried_again(
    browser: Browser,  # noqa: F811
    site: str,
) -> None:
    page = opened(browser, site, [], dark=True)
    page.get_by_role("button", name="Generate the video").click()
    expect(page.locator("#prompt-error")).to_have_text("Please describe what is to be seen.")
    expect(page.get_by_label("Prompt")).to_be_focused()
    ask(page, "A kite", 11)
    expect(page.locator("#seconds-error")).to_have_text("Please give a number from 2 to 10.")
    ask(page, "x" * 2001)
    expect(page.locator("#prompt-error")).to_contain_text("at most 2000 characters")
    ask(page, "赤い凧が緑の丘の上を飛ぶ")
    expect(page.get_by_text("too many of its letters are not in the font")).to_be_visible(timeout=15_000)
    expect(page.get_by_role("status")).to_have_text("There is no video.")
    assert flaws(page) == []
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#videos li")).to_have_count(2)
    page.close()


@pytest.mark.requirement("A16")
def test_the_page_of_videos_asks_again_after_as_long_as_a_429_says(
    browser: Browser,  # noqa: F811
    site: str,
) -> None:
    page = browser.new_page()
    refused: list[str] = []

    def first_refused(route: Route) -> None:
        if route.request.url in refused:
            route.continue_()
            return
        refused.append(route.request.url)
        route.fulfill(status=429, headers={"Retry-After": "1"}, json={"title": "Too Many Requests"})

    for path in ("flags", "videos", "generate"):
        page.route(f"**/api/{path}", first_refused)
    page.goto(site)
    expect(page.get_by_role("alert").last).to_contain_text("Try again in 1 seconds.")
    expect(page.get_by_role("status")).to_have_text("There is no video yet. Describe a scene.")
    ask(page, HOSTILE)
    expect(page.get_by_role("alert").last).to_contain_text("Try again in 1 seconds.")
    ready(page)
    assert len(refused) == 3
    expect(page.locator("article h3")).to_have_text(HOSTILE)
    assert page.title() == "Videos" and page.locator("main img").count() == 0
    page.close()


def test_the_timeline_is_shown_to_who_has_it_and_videos_are_not_asked_for_where_they_are_off(
    browser: Browser,  # noqa: F811
    site: str,
) -> None:
    page = opened(browser, site, [])
    ask(page, "A first scene")
    ready(page)
    expect(page.locator("#videos.timeline")).to_have_count(0)
    flags = {"new-timeline-ui": True, "ai-video-generation": False}
    page.route("**/api/flags", lambda route: route.fulfill(json={"flags": flags}))
    page.reload()
    expect(page.locator("#videos.timeline > li > h3")).to_have_count(1)
    expect(page.locator("#videos.timeline > li > ol > li")).to_have_count(1)
    expect(page.get_by_text("Videos are not generated at the moment.")).to_be_visible()
    expect(page.get_by_role("button", name="Generate the video")).to_be_disabled()
    picture(page, "video-gateway-timeline")
    assert flaws(page) == []
    page.close()


def test_where_keys_are_asked_for_each_client_sees_its_own_videos_alone(
    browser: Browser,  # noqa: F811
    gateway_fleet: Fleet,
) -> None:
    complaints: list[str] = []
    keys = [json.loads(run_app(gateway_fleet, "keys", "create", client).stdout)["secret"] for client in ("acme", "b")]
    with (
        gateway_fleet.process("videos", "serve", "--role", "videos", API_KEY_REQUIRED="true") as (_, api),
        gateway_fleet.process("page", "serve", "--role", "videos-page") as (_, shown),
        one_origin(api, shown) as site,
    ):
        page = opened(browser, site, complaints)
        expect(page.get_by_label("API key")).to_be_focused()
        page.get_by_label("API key").fill(keys[0])
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#client")).to_have_text("Signed in as acme.")
        ask(page, "A secret garden")
        ready(page)
        eventually(lambda: page.evaluate("document.querySelector('video')?.videoWidth === 640"))
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("API key").fill(keys[1])
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("status")).to_have_text("There is no video yet. Describe a scene.")
        expect(page.locator("#videos li")).to_have_count(0)
        assert complaints == []
        page.close()


def test_the_image_serves_the_page_of_videos_with_neither_database_nor_secret(gateway_fleet: Fleet) -> None:
    bare = Fleet({name: gateway_fleet.environment[name] for name in ALONE}, gateway_fleet.folder)
    with bare.process("page", "serve", "--role", "videos-page", ENVIRONMENT="prod") as (_, url):
        page = httpx.get(url)
        assert "<title>Videos</title>" in page.text
        assert {page.headers[one] for one in SECURITY_HEADERS} == set(SECURITY_HEADERS.values())
        assert httpx.get(f"{url}/ready").json() == {"status": "ready"}
        assert "http_requests_total" in httpx.get(f"{url}/metrics").text
