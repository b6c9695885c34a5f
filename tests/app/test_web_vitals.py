"""The measurement of web vitals itself: it sees a page that moves."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from test_page import browser  # noqa: F401  the browser is a fixture
from web_vitals import STEADY, observed, reported

MOVING = """data:text/html,<title>Moving</title><button>Press</button><p id=text style="height:500px;margin:0">Text</p>
<script>setTimeout(() => text.style.marginTop = "300px", 1500)</script>"""


@pytest.mark.requirement("A16")
def test_a_page_that_moves_by_itself_is_not_steady(browser: Browser) -> None:  # noqa: F811
    page = browser.new_page(viewport={"width": 400, "height": 900})
    observed(page)
    page.goto(MOVING)
    page.get_by_role("button").click()
    page.wait_for_function(f"window.vitals.cls > {STEADY}")
    told: dict[str, object] = {}
    with pytest.raises(AssertionError, match=r"CLS 0\.[1-9]"):
        reported(page, told.__setitem__)
    assert "LCP" in str(told["web vitals"])
    page.close()
