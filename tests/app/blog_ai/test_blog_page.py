"""The page of blog-ai in a real browser, on its own port: from a topic to the post, and back-off after 429."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from blog_site import BlogFleet
from conftest import eventually, run_app
from playwright.sync_api import Browser, Route, expect
from search_engines import outside, refusal
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


@pytest.mark.requirement("E14")
@pytest.mark.requirement("A16")
@pytest.mark.parametrize(("width", "dark"), [(1200, False), (360, True)])
def test_a_person_asks_for_a_picture_and_sees_it_above_the_text_and_the_sources_under_it(
    browser: Browser,  # noqa: F811
    blog_fleet: BlogFleet,
    width: int,
    dark: bool,
) -> None:
    complaints: list[str] = []
    with (
        outside("tavily") as tavily,
        outside("stability") as stability,
        blog_fleet.container(**tavily.variables, **stability.variables) as blog,
    ):
        page = opened(browser, blog.page, complaints, dark=dark, width=width)
        page.get_by_label("Topic").fill("How to brew better coffee at home")
        page.get_by_label("With a header picture").check()
        page.get_by_role("button", name="Write the post").click()
        expect(page.get_by_role("status")).to_have_text("Done.", timeout=15_000)
        drawing = page.get_by_role("img", name="Picture for How to brew better coffee at home")
        expect(drawing).to_be_visible()
        # What is shown is the file: its size, and its colour in the middle.
        middle = "canvas => [canvas.width, canvas.height, ...canvas.getContext('2d').getImageData(672, 384, 1, 1).data]"
        wide, high, red, green, blue, _ = drawing.evaluate(middle)
        assert (wide, high) == (1344, 768)
        assert max(abs(red - 46), abs(green - 139), abs(blue - 87)) <= 3
        expect(page.get_by_role("heading", name="Sources")).to_be_visible()
        link = page.get_by_role("link", name="Grinding coffee")
        expect(link).to_have_attribute("href", "https://coffee.example/grind")
        expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
        picture(page, f"blog-ai-pictured-{width}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert flaws(page) == []
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        assert "## Sources\n\nGrinding coffee, https://coffee.example/grind" in Path(download.value.path()).read_text()
        page.get_by_role("button", name="Write again").click()
        # It asks for another picture too.
        assert eventually(lambda: len(stability.asked) == 2)
        page.close()
    assert complaints == []


@pytest.mark.requirement("E14")
def test_the_page_says_what_a_post_had_to_do_without(browser: Browser, blog_fleet: BlogFleet) -> None:  # noqa: F811
    with (
        outside("tavily", refusal(401)) as tavily,
        outside("stability", refusal(402)) as stability,
        blog_fleet.container(**tavily.variables, **stability.variables) as blog,
    ):
        page = opened(browser, blog.page, [])
        page.get_by_label("Topic").fill("Tea at home")
        page.get_by_label("With a header picture").check()
        page.get_by_role("button", name="Write the post").click()
        expect(page.locator("#missing")).to_have_text(
            "The web could not be searched, so this post has no sources. The picture could not be made.",
            timeout=15_000,
        )
        expect(page.locator("#drawing")).to_be_hidden()
        assert flaws(page) == []
        page.close()


@pytest.mark.requirement("E14")
def test_the_page_offers_no_picture_where_none_are_made(browser: Browser, site: str) -> None:  # noqa: F811
    page = browser.new_page()
    with page.expect_response("**/pictures") as answered:
        page.goto(site)
    assert answered.value.json() == {"enabled": False}
    expect(page.get_by_label("Topic")).to_be_visible()
    expect(page.get_by_label("With a header picture")).to_be_hidden()
    page.close()
