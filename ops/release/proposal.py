"""The weekly release as a pull request from develop to main, with the checklist that people tick."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from ops.release.checklist import Item, read
from ops.report.publishing import publish_pull_request, repository_of


def propose_release(root: Path, repository: str, environment: Mapping[str, str]) -> str:
    """Opens it and returns its address. Raises ReportError without a token, PublishingError when GitHub refuses."""
    where = repository_of(repository, environment)
    today = datetime.now(UTC).date()
    return publish_pull_request(f"Release of {today}", body(read(root), today), "develop", "main", where)


ANSWERED: Final[Mapping[str, str]] = {
    "workflow": "the workflow checks",
    "platform": "the environment's approval asks",
    "release": "the release does it, and goes back when it fails",
}


def body(items: tuple[Item, ...], today: date) -> str:
    """The text of the pull request: every question, and boxes for those that people answer."""
    lines = [f"The weekly release of {today}; docs/releases/weekly.md says who approves it.", ""]
    lines += [f"- [ ] {one.ask}" if one.by == "person" else f"- {one.ask} *({ANSWERED[one.by]})*" for one in items]
    return "\n".join([*lines, ""])
