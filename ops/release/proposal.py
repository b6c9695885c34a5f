"""The weekly release as a pull request from develop to main, with the checklist that people tick."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from ops.release.checklist import Item, read
from ops.report.events import ReportError
from ops.report.publishing import API, Repository, publish_pull_request


def propose_release(root: Path, repository: str, environment: Mapping[str, str]) -> str:
    """Opens it and returns its address. Raises ReportError without a token, PublishingError when GitHub refuses."""
    token = environment.get("GITHUB_TOKEN", "")
    if not token:
        raise ReportError("GITHUB_TOKEN is not set; the workflow gives it to the job that may open pull requests")
    today = datetime.now(UTC).date()
    where = Repository(repository, token, environment.get("GITHUB_API_URL", API))
    return publish_pull_request(f"Release of {today}", body(read(root), today), "develop", "main", where)


def body(items: tuple[Item, ...], today: date) -> str:
    """What the pull request says: thirteen questions, those of the workflow without a box."""
    lines = [f"The weekly release of {today}; docs/releases/weekly.md says who approves it.", ""]
    lines += [f"- [ ] {one.ask}" if one.by == "person" else f"- {one.ask} *(the workflow checks)*" for one in items]
    return "\n".join([*lines, ""])
