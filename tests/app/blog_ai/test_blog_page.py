"""The page of blog-ai in a real browser, on its own port: from a topic to the post, and back-off after 429."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from blog_site import BlogFleet
from conftest import run_app
from playwright.sync_api import Browser, Route, expect
from test_page import RecordProperty, browser, flaws, opened, picture  # noqa: F401  fixtures
from web_vitals import reported

SECRET = "a-secret-of-at-least-thirty-two-letters"


@pytest.fixture
def site(blog_fleet: BlogFleet) -> Iterator[str]:
    with blog_fleet.container() as blog:
        yield blog.page


@pytest.mark.requirement("Z05")
@pytest.mark.requirement("E08")
@pytest.mark.requirement("A16")
def test_a_person_writes_a_post_and_watches_it_by_websocket(
    browser: Browser,  # noqa: F811
    site: str,
    record_property: RecordProperty,
) -> None:
    complaints: list[str] = []
    page = opened(browser, site, complaints)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.get_by_label("Topic").focus()
    page.keyboard.type("How to brew better coffee at home")
    page.keyboard.press("Tab")
    page.keyboard.type("grind size, water")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Done.", timeout=15_000)
    expect(page.locator("article h3")).to_contain_text("coffee", ignore_case=True)
    expect(page.locator("#jobs li")).to_have_count(1)
    assert len(sockets) == 1 and sockets[0].startswith(site.replace("http", "ws") + "/ws/jobs/")
    picture(page, "blog-ai-light")
    assert flaws(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert Path(download.value.path()).read_text().startswith("# ")
    assert complaints == []
    reported(page, record_property)
    page.close()


@pytest.mark.requirement("A16")
def test_the_page_of_posts_fits_360_pixels_and_the_dark(browser: Browser, site: str) -> None:  # noqa: F811
    complaints: list[str] = []
    page = opened(browser, site, complaints, dark=True, width=360)
    page.get_by_label("Topic").fill("T" * 290)
    page.get_by_role("button", name="Write the post").click()
    expect(page.get_by_role("status")).to_have_text("Done.", timeout=15_000)
    picture(page, "blog-ai-dark-narrow")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert flaws(page) == []
    assert complaints == []
    page.close()


@pytest.mark.requirement("A16")
def test_the_page_waits_as_long_as_a_429_says_before_it_can_ask_again(browser: Browser, site: str) -> None:  # noqa: F811
    page = opened(browser, site, [])
    asked: list[int] = []

    def first_refused(route: Route) -> None:
        asked.append(1)
        if len(asked) == 1:
            route.fulfill(status=429, headers={"Retry-After": "2"}, json={"title": "Too Many Requests"})
        else:
            route.continue_()

    page.route("**/generate", first_refused)
    page.get_by_label("Topic").fill("Tea")
    page.get_by_role("button", name="Write the post").click()
    expect(page.get_by_role("alert").last).to_contain_text("Try again in 2 seconds.")
    expect(page.get_by_role("button", name="Wait 2 s")).to_be_disabled()
    # Neither the button nor the keyboard asks before that.
    page.get_by_label("Topic").press("Enter")
    assert len(asked) == 1
    page.get_by_role("button", name="Write the post").click()
    expect(page.get_by_role("status")).to_have_text("Done.", timeout=15_000)
    assert len(asked) == 2
    page.close()


@pytest.mark.requirement("E03")
def test_in_production_a_person_signs_in_with_the_key_of_a_plan(browser: Browser, blog_fleet: BlogFleet) -> None:  # noqa: F811
    production = {"ENVIRONMENT": "production", "ALLOW_EMBEDDED_WRITER": "true", "SESSION_SECRET": SECRET}
    made = run_app(blog_fleet.fleet, "keys", "create", "acme")
    assert made.returncode == 0, made.stdout + made.stderr
    key = re.findall(r"cg_[a-z0-9]{12}_[A-Za-z0-9_-]{43}", made.stdout)[0]
    with blog_fleet.container(**production) as blog:
        body = {"topic": "Tea at home", "content_type": "blog"}
        assert httpx.post(f"{blog.api}/generate", json={**body, "client_id": "acme"}).status_code == 401
        assert httpx.post(f"{blog.page}/generate", json={**body, "client_id": "acme"}).status_code == 401
        assert httpx.get(f"{blog.api}/docs").status_code == 404
        page = opened(browser, blog.page, [])
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("Signed in as acme.")).to_be_visible()
        page.get_by_label("Topic").fill("Tea at home")
        page.get_by_role("button", name="Write the post").click()
        expect(page.get_by_role("status")).to_have_text("Done.", timeout=15_000)
        assert flaws(page) == []
        page.close()
