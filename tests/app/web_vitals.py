"""Web vitals of a page as the browser measures them (requirement A16): how soon it shows its largest part, how far its
parts move by themselves, and how long it lets a person wait for the answer to a key or a click.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from playwright.sync_api import Page

STEADY: Final = 0.1
"""Largest cumulative layout shift of a good page (web.dev, Core Web Vitals). The other two bounds are times, 2.5 s and
200 ms: they are reported and not asserted.
"""
OBSERVERS: Final = """
(() => {
  const vitals = (window.vitals = { lcp: 0, cls: 0, inp: 0, interactions: 0 });
  const observe = (type, take, options) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true, ...options });
  const interaction = (entry) => {
    vitals.inp = Math.max(vitals.inp, entry.duration);
    vitals.interactions += 1;
  };
  observe("largest-contentful-paint", (entry) => {
    vitals.lcp = entry.startTime;
  });
  observe("layout-shift", (entry) => {
    if (!entry.hadRecentInput) vitals.cls += entry.value;
  });
  observe("first-input", interaction);
  observe("event", (entry) => entry.interactionId && interaction(entry), { durationThreshold: 16 });
})();
"""
"""All shifts are added up, which is stricter than the worst five seconds; the slowest interaction stands for all."""


@dataclass(frozen=True)
class WebVitals:
    """Figures of one visit.

    lcp: largest contentful paint, milliseconds after the start of the navigation.
    cls: cumulative layout shift, a share of the viewport.
    inp: slowest interaction to its next paint, milliseconds; the browser rounds to 8.
    interactions: keys and clicks that the browser timed: the first, and those that took 16 ms or more.
    """

    lcp: float
    cls: float
    inp: float
    interactions: int

    def __str__(self) -> str:
        return f"LCP {self.lcp:.0f} ms, CLS {self.cls:.3f}, INP {self.inp:.0f} ms"


def observed(page: Page) -> None:
    """Has a page measured from its next navigation on."""
    page.add_init_script(OBSERVERS)


def reported(page: Page, report: Callable[[str, object], None]) -> WebVitals:
    """The figures so far, into the test report. The page was used: each of them is known. It is steady."""
    found = WebVitals(**page.evaluate("window.vitals"))
    report("web vitals", str(found))
    assert found.lcp > 0
    assert found.interactions >= 1
    assert found.cls <= STEADY, found
    return found
