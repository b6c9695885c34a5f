"""Runbook address of an alert: a page for each group, a heading for each alert. Pure."""

from __future__ import annotations

from typing import Final

RUNBOOKS: Final = "docs/runbooks"


def runbook(page: str, alert: str) -> str:
    """The page with the alert's heading, as an AlertRule names it."""
    return f"{RUNBOOKS}/{page}.md#{alert.lower()}"
