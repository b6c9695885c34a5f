"""The page in a real browser: the whole way from a topic to a text, errors in words, no breach of the policy."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import Fleet, run_app
from playwright.sync_api import Browser, Page, expect, sync_playwright
from web_vitals import observed, reported

RecordProperty = Callable[[str, object], None]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def site(fleet: Fleet) -> Iterator[str]:
    with (
        fleet.process("cpm", "serve", "--role", "cpm") as (_, api),
        fleet.process("im", "serve", "--role", "im") as (_, im),
        fleet.process("worker", "worker", IM_URL=im),
    ):
        yield api


def opened(browser: Browser, site: str, complaints: list[str], *, dark: bool = False, width: int = 1200) -> Page:
    page = browser.new_page(color_scheme="dark" if dark else "light", viewport={"width": width, "height": 900})
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    observed(page)
    page.goto(site)
    return page


def picture(page: Page, name: str) -> None:
    """Kept where REPORTS points, to be looked at."""
    if folder := os.environ.get("REPORTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def flaws(page: Page) -> list[str]:
    """Violations that axe-core finds for people who use a keyboard, a screen reader, or need contrast."""
    found = Axe().run(page).response["violations"]
    return [f"{flaw['id']}: {[node['html'] for node in flaw['nodes']]}" for flaw in found]


@pytest.mark.requirement("E08")
@pytest.mark.requirement("A16")
def test_a_person_gets_a_text_by_keyboard_alone(browser: Browser, site: str, record_property: RecordProperty) -> None:
    complaints: list[str] = []
    page = opened(browser, site, complaints)
    page.get_by_label("Topic").focus()
    page.keyboard.type("How to brew better coffee at home")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("grind size, water")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Done.", timeout=15_000)
    expect(page.locator("article h3")).to_contain_text("coffee", ignore_case=True)
    assert page.locator("article h4").count() >= 3
    expect(page.locator("#jobs li")).to_have_count(1)
    picture(page, "page-light")
    assert flaws(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.endswith(".md")
    text = Path(download.value.path()).read_text()
    assert text.startswith("# ") and "\n\n## " in text
    assert complaints == []
    reported(page, record_property)
    page.close()


def test_errors_are_told_in_words_beside_the_field(browser: Browser, site: str) -> None:
    complaints: list[str] = []
    page = opened(browser, site, complaints)
    page.get_by_role("button", name="Write it").click()
    expect(page.locator("#topic-error")).to_be_visible()
    expect(page.get_by_label("Topic")).to_be_focused()
    page.get_by_label("Topic").fill("Tea")
    page.get_by_label("Keywords").fill(",".join(f"word {number}" for number in range(13)))
    page.get_by_role("button", name="Write it").click()
    expect(page.locator("#keywords-error")).to_contain_text("12 keywords")
    picture(page, "page-error")
    assert flaws(page) == []
    assert complaints == []
    page.close()


def test_a_service_that_is_gone_is_told_in_words_and_the_form_stays_as_it_was(browser: Browser, fleet: Fleet) -> None:
    with fleet.process("cpm", "serve", "--role", "cpm") as (process, api):
        page = opened(browser, api, [])
        page.get_by_label("Topic").fill("Tea")
        process.kill()
        process.wait()
        page.get_by_role("button", name="Write it").click()
        expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
        expect(page.get_by_label("Topic")).to_have_value("Tea")
        expect(page.get_by_role("button", name="Write it")).to_be_enabled()
        picture(page, "page-gone")
        page.close()


def test_what_a_client_types_is_never_run(browser: Browser, site: str) -> None:
    complaints: list[str] = []
    page = opened(browser, site, complaints)
    page.get_by_label("Topic").fill("<img src=x onerror=document.title='broken'> tea")
    page.get_by_role("button", name="Write it").click()
    expect(page.get_by_role("status")).to_have_text("Done.", timeout=15_000)
    assert page.locator("article img, #jobs img").count() == 0
    assert page.title() == "Content generation"
    assert complaints == []
    page.close()


def test_the_page_fits_a_telephone_and_the_dark(browser: Browser, site: str) -> None:
    page = opened(browser, site, [], dark=True, width=375)
    picture(page, "page-dark-narrow")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert flaws(page) == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(20, 24, 26)"
    page.close()


@pytest.mark.requirement("E03")
@pytest.mark.requirement("E12")
def test_where_keys_are_asked_for_a_person_signs_in_writes_tries_again_deletes_and_signs_out(
    browser: Browser, fleet: Fleet
) -> None:
    complaints: list[str] = []
    secret = {"API_KEY_REQUIRED": "true", "SESSION_SECRET": "s" * 40}
    key = json.loads(run_app(fleet, "keys", "create", "acme").stdout)["secret"]
    with (
        fleet.process("cpm", "serve", "--role", "cpm", **secret) as (_, api),
        fleet.process("im", "serve", "--role", "im") as (_, im),
        fleet.process("worker", "worker", IM_URL=im),
    ):
        page = opened(browser, api, complaints)
        expect(page.get_by_label("API key")).to_be_focused()
        expect(page.get_by_label("Topic")).to_be_hidden()
        picture(page, "page-sign-in")
        assert flaws(page) == []
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#client")).to_have_text("Signed in as acme.")
        assert key not in str(page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])"))
        page.get_by_label("Topic").fill("How to brew better coffee at home")
        page.get_by_role("button", name="Write it").click()
        expect(page.get_by_role("status")).to_have_text("Done.", timeout=15_000)
        expect(page.locator("#sample")).to_be_visible()
        page.get_by_role("button", name="Write again").click()
        expect(page.locator("#jobs li")).to_have_count(2)
        expect(page.get_by_role("status")).to_have_text("Done.", timeout=15_000)
        page.reload()
        expect(page.locator("#client")).to_have_text("Signed in as acme.")
        page.locator("#jobs button").first.click()
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("status")).to_have_text("Deleted.")
        expect(page.locator("#jobs li")).to_have_count(1)
        assert complaints == []
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("API key")).to_be_visible()
        page.reload()
        expect(page.get_by_label("API key")).to_be_visible()
        page.get_by_label("API key").fill("cg_000000000000_" + "x" * 43)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("This key is not valid.")
        page.close()


def test_more_than_a_page_of_jobs_is_shown_on_demand_with_their_dates(
    browser: Browser, fleet: Fleet, database_url: str
) -> None:
    with fleet.process("cpm", "serve", "--role", "cpm") as (_, api):
        for number in range(25):
            body = {"topic": f"Topic {number}", "content_type": "blog", "client_id": "guest-of-the-test"}
            assert httpx.post(f"{api}/generate", json=body).status_code == 202
        page = browser.new_page()
        page.add_init_script("localStorage.setItem('guest', 'guest-of-the-test')")
        page.goto(api)
        expect(page.locator("#jobs li")).to_have_count(20)
        expect(page.locator("#open")).to_be_visible()
        page.get_by_role("button", name="Show older").click()
        expect(page.locator("#jobs li")).to_have_count(25)
        expect(page.get_by_role("button", name="Show older")).to_be_hidden()
        assert str(datetime.now(UTC).year) in page.locator("#jobs small").first.inner_text()
        page.locator("#jobs button").last.click()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("status")).to_have_text("Cancelled.")
        page.close()


@pytest.mark.requirement("E11")
@pytest.mark.parametrize(("path", "text"), [("/docs", "Content generation"), ("/redoc", "Content generation")])
def test_the_documents_show_themselves_under_the_services_own_policy(
    browser: Browser, fleet: Fleet, path: str, text: str
) -> None:
    complaints: list[str] = []
    with fleet.process("cpm", "serve", "--role", "cpm") as (_, api):
        page = opened(browser, api + path, complaints)
        expect(page.get_by_role("heading", name=text).first).to_be_visible()
        expect(page.get_by_text("/generate").first).to_be_visible()
        assert complaints == []
        page.close()
