"""Web vitals of every product's page, as its journey in a real browser measures and reports them (requirement A16)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from ops.checkout import CHECKOUT
from tests.bench.document import Section, machine

COMMAND: Final = "make bench ONLY=pages"
PROPERTY: Final = "web vitals"
GOOD: Final = "LCP <= 2500 ms, CLS <= 0.1, INP <= 200 ms"
"""Bounds of a good page (web.dev, Core Web Vitals)."""


def section(root: Path) -> Section:
    """Runs the journeys, each of which needs Chromium and the servers of its product."""
    report = root / "pages.xml"
    tests = [str(path.relative_to(CHECKOUT)) for path in sorted((CHECKOUT / "tests" / "app").rglob("test*_page.py"))]
    command = [sys.executable, "-m", "pytest", "-q", *tests, "-k", "test_a_person_", f"--junitxml={report}"]
    subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL)
    text = (
        f"Each page on its first visit in Chromium, with its API and stores on the same {machine()}; an interaction is "
        f"rounded to 8 ms. Command: `{COMMAND}`."
    )
    return Section("Pages", text, ("page", "figures", "good"), tuple(_rows(report)))


def _rows(report: Path) -> list[tuple[str, str, str]]:
    found = []
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - our own report of a moment ago
        for one in case.iter("property"):
            if one.get("name") == PROPERTY:
                module = case.get("classname", "").rpartition(".")[0].rpartition(".")[2]
                page = "content-generation" if module == "app" else module.replace("_", "-")
                found.append((page, one.get("value", ""), GOOD))
    return found
