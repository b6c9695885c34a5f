"""``contentgen report``: previews in, data and one comment out; the exit code says whether the check passes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from infra.settings.stack_file import stacks
from ops.console import Report
from ops.cost.book import Book, load
from ops.cost.estimate import Estimate, Priced, cost_notes, estimate
from ops.policy_pack import stack_policy_config
from ops.report.collecting import StackReport, collected
from ops.report.data import FILE, Rollback, StackData, failed, read_all
from ops.report.events import Change, Object, Operation, Preview, ReportError
from ops.report.events import read as read_preview
from ops.report.markdown import PAGES, SUMMARY, Run, render
from ops.report.policy_changes import judges, policy_changes
from ops.report.publishing import (
    Head,
    PublishingError,
    PullRequest,
    Repository,
    changed_files,
    publish,
    pull_request_at,
    repository_of,
)
from ops.report.sarif import sarif
from ops.report.secrets import clean
from ops.report.verdict import failures, levels
from ops.stack_files import read

DEFAULT_FILE: Final = Path("reports/preview.md")
DATA: Final = "data"
"""The folder beside the comment that holds a file of data a stack: what a workflow hands on."""
SUMMARY_FILE: Final = "GITHUB_STEP_SUMMARY"
SERVER: Final = "https://github.com"
REPOSITORY: Final = "GITHUB_REPOSITORY"
OF_RUN: Final = ("HEAD_OWNER", "HEAD_BRANCH", "HEAD_COMMIT", "RUN_ADDRESS", "RUN_ENDED", "RUN_CONCLUSION")
"""Variables with the platform's facts of the run that left the data."""


def report(
    root: Path,
    previews: Mapping[str, Path],
    output: Path,
    pull_request: PullRequest | None,
    out: Report,
    *,
    base: Path | None = None,
    problems: Mapping[str, str] | None = None,
    rollbacks: Mapping[str, Rollback] | None = None,
    untouched: Sequence[str] = (),
) -> bool:
    """Writes the data of every stack, the comment to ``output``, its findings as SARIF beside it, and the whole list to
    the run's summary; the comment to the pull request that is given. Whether the check passes.

    ``base`` are the files of the commit that is compared with; ``problems`` why other stacks could not be previewed. A
    preview that cannot be read is one of them. ``rollbacks`` are the ways back that were looked for, ``untouched`` the
    stacks that the change cannot touch. Raises PublishingError when the comment could not be published: the files are
    written first, so nothing is lost.
    """
    book = load()
    read_, lost = [], dict(problems or {})
    for stack, path in previews.items():
        try:
            found = stack_report(root, stack, path, book, base)
            read_.append(replace(found, rollback=(rollbacks or {}).get(stack)))
        except ReportError as error:
            lost[stack] = str(error)
    data = [*map(collected, read_), *(failed(stack, clean(why)) for stack, why in lost.items())]
    data += [StackData(stack=stack, untouched=True) for stack in untouched]
    notes = cost_notes(book, datetime.now(UTC).date())
    text = render(data, notes)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text)
    output.with_suffix(".sarif").write_text(sarif([one.preview for one in read_], pages_of(os.environ)))
    _write_data(output.parent / DATA, data)
    _summarise(data, notes, os.environ)
    out.line(f"{output}: {len(text)} characters; {output.with_suffix('.sarif')} for code scanning")
    wrong = [why for one in read_ for why in failures(one.preview, one.levels)]
    wrong += [f"{stack}: {why}" for stack, why in lost.items()]
    for why in wrong:
        out.line(f"fails: {clean(why)}")
    if pull_request:
        try:
            out.line(publish(text, pull_request))
        except PublishingError as error:
            raise PublishingError(f"{error}; the comment is in {output}") from None
    return not wrong


def _write_data(folder: Path, data: Sequence[StackData]) -> None:
    for one in data:
        path = folder / one.stack / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(one.model_dump_json())


def _summarise(data: Sequence[StackData], notes: Sequence[str], environment: Mapping[str, str]) -> None:
    """The whole list, where the comment has no room for it."""
    if path := environment.get(SUMMARY_FILE):
        with Path(path).open("a") as file:
            file.write(render(data, notes, longest=SUMMARY))


def stack_report(root: Path, stack: str, path: Path, book: Book | None = None, base: Path | None = None) -> StackReport:
    """One stack's part, compared with the files of ``base`` where there are any.

    Raises ReportError for a preview that is not there or cannot be read.
    """
    if not path.exists():
        raise ReportError(f"{stack}: there is no preview {path}; fix: make pr-check")
    preview = read_preview(stack, path)
    config = stack_policy_config(root, stack, read(root, stack))
    before, after = cost(preview, book or load())
    moved = policy_changes(stack, base, root) if base else ()
    return StackReport(preview, levels(config), before, after, moved)


def cost(preview: Preview, book: Book) -> tuple[Estimate, Estimate]:
    """Monthly cost of the stack now, and after the change."""
    now = [_priced(one, one.before) for one in preview.changes if one.operation is not Operation.CREATE]
    then = [_priced(one, one.after) for one in preview.changes if one.operation is not Operation.DELETE]
    return estimate(now, book), estimate(then, book)


def _priced(change: Change, inputs: Object) -> Priced:
    return Priced(change.name, change.type, inputs, change.provider, change.urn)


def pull_request_of(text: str, environment: Mapping[str, str]) -> PullRequest:
    """``owner/name#number`` with the token of the environment. Raises ReportError when either is missing."""
    repository, mark, number = text.partition("#")
    if not mark or not number.isdigit() or repository.count("/") != 1:
        raise ReportError(f"--pull-request is {text!r}; allowed is owner/name#number")
    where = repository_of(repository, environment)
    return PullRequest(where.name, int(number), where.token, where.api)


def write_comment(root: Path, folder: Path, repository: str, environment: Mapping[str, str], out: Report) -> None:
    """Renders what a workflow's previews left, and writes it to the pull request that the platform says it was about.

    Raises ReportError, PublishingError.
    """
    head, where = _head(environment), pull_request_of(f"{repository}#0", environment)
    place = Repository(repository, where.token, where.api)
    number = pull_request_at(head, place)
    if number is None:
        out.line(f"no open pull request has the head {head.commit}: it has moved on, and its newer run writes")
        return
    data = read_all(folder, stacks(root))
    moved = judges(changed_files(number, place))
    text = render(data, cost_notes(load(), datetime.now(UTC).date()), _run(head, repository, environment), judges=moved)
    # While this was read and written the head may have moved on; what is newer is never overwritten.
    if pull_request_at(head, place) != number:
        out.line(f"the pull request {number} has moved on from {head.commit}, and its newer run writes")
        return
    out.line(publish(text, PullRequest(repository, number, where.token, where.api)))


def _run(head: Head, repository: str, environment: Mapping[str, str]) -> Run:
    """Facts of the run as the platform reports them. The rules' pages are those of the commit that renders."""
    address = environment["RUN_ADDRESS"]
    at = datetime.fromisoformat(environment["RUN_ENDED"])
    pages = pages_of({"GITHUB_SERVER_URL": SERVER, "GITHUB_SHA": "main", **environment, REPOSITORY: repository})
    return Run(head.commit, address, at, pages, environment["RUN_CONCLUSION"])


def pages_of(environment: Mapping[str, str]) -> str:
    """The address of the rules' pages at the commit of a workflow's run; nothing outside of one."""
    parts = [environment.get(name, "") for name in ("GITHUB_SERVER_URL", REPOSITORY, "GITHUB_SHA")]
    return f"{parts[0]}/{parts[1]}/blob/{parts[2]}/{PAGES}" if all(parts) else ""


def _head(environment: Mapping[str, str]) -> Head:
    values = {name: environment.get(name, "") for name in OF_RUN}
    missing = [name for name, value in values.items() if not value]
    if missing:
        raise ReportError(f"{', '.join(missing)}: not set; the workflow gives what the platform says of the run")
    return Head(values["HEAD_OWNER"], values["HEAD_BRANCH"], values["HEAD_COMMIT"])


def chosen(given: Sequence[str]) -> dict[str, Path]:
    """``stack=path`` of the command line. Raises ReportError for anything else."""
    found: dict[str, Path] = {}
    for one in given:
        stack, equals, path = one.partition("=")
        if not stack or not equals or not path:
            raise ReportError(f"--preview is {one!r}; allowed is stack=path, as in prod=reports/prod.json")
        found[stack] = Path(path)
    return found
