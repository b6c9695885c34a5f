"""``contentgen report``: previews in, one comment out; the exit code says whether the check passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from infra.stackfile import read
from ops.console import Report
from ops.cost.book import Book, load
from ops.cost.estimate import Estimate, Priced, cost_notes, estimate
from ops.policy_pack import stack_policy_config
from ops.report.events import Change, Object, Operation, Preview, ReportError, parse
from ops.report.markdown import StackReport, comment
from ops.report.publishing import API, Head, PublishingError, PullRequest, Repository, publish, pull_request_at
from ops.report.sarif import sarif
from ops.report.verdict import failures, levels

DEFAULT_FILE: Final = Path("reports/preview.md")


def report(
    root: Path, previews: Mapping[str, Path], output: Path, pull_request: PullRequest | None, out: Report
) -> bool:
    """Writes the comment to ``output``, its findings as SARIF beside it, the comment to the pull request that is given;
    whether the check passes.

    Raises ReportError for a preview that cannot be read, PublishingError when the comment could not be published: the
    file is written first, so nothing is lost.
    """
    book = load()
    stacks = [stack_report(root, stack, path, book) for stack, path in previews.items()]
    text = comment(stacks, cost_notes(book, datetime.now(UTC).date()))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text)
    output.with_suffix(".sarif").write_text(sarif([one.preview for one in stacks]))
    out.line(f"{output}: {len(text)} characters; {output.with_suffix('.sarif')} for code scanning")
    failed = [why for one in stacks for why in failures(one.preview, one.levels)]
    for why in failed:
        out.line(f"fails: {why}")
    if pull_request:
        try:
            out.line(publish(text, pull_request))
        except PublishingError as error:
            raise PublishingError(f"{error}; the comment is in {output}") from None
    return not failed


def stack_report(root: Path, stack: str, path: Path, book: Book | None = None) -> StackReport:
    """One stack's part. Raises ReportError for a preview that is not there or cannot be read."""
    if not path.exists():
        raise ReportError(f"{stack}: there is no preview {path}; fix: make pr-check")
    with path.open() as lines:
        preview = parse(stack, lines)
    config = stack_policy_config(root, stack, read(root, stack))
    before, after = cost(preview, book or load())
    return StackReport(preview, levels(config), before, after)


def cost(preview: Preview, book: Book) -> tuple[Estimate, Estimate]:
    """What the stack costs now, and what it would."""
    now = [_priced(one, one.before) for one in preview.changes if one.operation is not Operation.CREATE]
    then = [_priced(one, one.after) for one in preview.changes if one.operation is not Operation.DELETE]
    return estimate(now, book), estimate(then, book)


def _priced(change: Change, inputs: Object) -> Priced:
    return Priced(change.name, change.type, inputs, change.provider)


def pull_request_of(text: str, environment: Mapping[str, str]) -> PullRequest:
    """``owner/name#number`` with the token of the environment. Raises ReportError when either is missing."""
    repository, mark, number = text.partition("#")
    if not mark or not number.isdigit() or repository.count("/") != 1:
        raise ReportError(f"--pull-request is {text!r}; allowed is owner/name#number")
    token = environment.get("GITHUB_TOKEN", "")
    if not token:
        raise ReportError("GITHUB_TOKEN is not set; the workflow gives it to the job that may write comments")
    return PullRequest(repository, int(number), token, environment.get("GITHUB_API_URL", API))


def comments_in(folder: Path) -> list[str]:
    """The texts that the previews of a workflow left. Nothing of them is run. Raises ReportError when there is none."""
    found = [path.read_text() for path in sorted(folder.glob("*/preview.md"))]
    if not found:
        raise ReportError(f"{folder} holds no preview.md; the previews left nothing")
    return found


def write_comments(folder: Path, repository: str, environment: Mapping[str, str], out: Report) -> None:
    """Writes each text to the pull request whose head the workflow was about, as the platform says.

    Raises ReportError, and PublishingError with every text that could not be written.
    """
    texts, head = comments_in(folder), _head(environment)
    where = pull_request_of(f"{repository}#0", environment)
    number = pull_request_at(head, Repository(repository, where.token, where.api))
    if number is None:
        out.line(f"no open pull request has the head {head.commit}: it has moved on, and its newer run writes")
        return
    wrong = []
    for text in texts:
        try:
            out.line(publish(text, replace(where, number=number)))
        except PublishingError as error:
            wrong.append(str(error))
    if wrong:
        raise PublishingError("; ".join(wrong))


def _head(environment: Mapping[str, str]) -> Head:
    values = {name: environment.get(name, "") for name in ("HEAD_OWNER", "HEAD_BRANCH", "HEAD_COMMIT")}
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
