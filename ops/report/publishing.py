"""Puts the comment on the pull request: the one of an earlier run is replaced, so there is always one.

What a pull request's own run left may be anything: which pull request it belongs to is asked of the platform, only our
own comment is replaced, and a text longer than a comment may be is refused.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from ops.report.events import ReportError

API: Final = "https://api.github.com"
ATTEMPTS: Final = 4
FIRST_PAUSE_SECONDS: Final = 1.0
TIMEOUT_SECONDS: Final = 20.0
PAGE: Final = 100
_MARK: Final = re.compile(r"<!-- contentgen [^>]*-->")
AUTHOR: Final = "github-actions[bot]"
"""Author of comments by the token of a workflow; a comment of another author with our mark is not ours."""
LONGEST: Final = 65_536
"""Characters of a comment (GitHub)."""
RETRIED: Final = (429, 500, 502, 503, 504)
FORBIDDEN: Final = 403
MOST_FILES: Final = 3_000
"""So many files of a pull request GitHub lists."""


class PublishingError(Exception):
    """The comment could not be published; its text is in the file that the message names. ``again`` says that another
    attempt may succeed.
    """

    again = False


@dataclass(frozen=True)
class PullRequest:
    """Target of the comment: ``owner/name`` and the number. The token is sent as a header and never shown."""

    repository: str
    number: int
    token: str
    api: str = API


@dataclass(frozen=True)
class Repository:
    """Target repository of an issue."""

    name: str
    token: str
    api: str = API


def repository_of(name: str, environment: Mapping[str, str]) -> Repository:
    """The repository by the token of the environment. Raises ReportError without one."""
    token = environment.get("GITHUB_TOKEN", "")
    if not token:
        raise ReportError("GITHUB_TOKEN is not set; the workflow gives it to the job that may write there")
    return Repository(name, token, environment.get("GITHUB_API_URL", API))


def keep_issue(title: str, body: str, where: Repository, *, wanted: bool) -> str:
    """One open issue while it is ``wanted``, brought up to date, and none otherwise; its address, or nothing."""
    return publish_issue(title, body, where) if wanted else close_issue(body, where)


def publish(body: str, where: PullRequest, pause: Callable[[float], None] = time.sleep) -> str:
    """Writes the comment, or replaces our own of an earlier run, which holds the same mark; returns its address.

    Raises PublishingError after the last attempt, and for a text without a mark or longer than a comment may be.
    """
    if len(body) > LONGEST:
        raise PublishingError(f"the text has {len(body):,} characters; allowed are {LONGEST:,}")
    with _client(where.token, where.api) as client:
        base = f"/repos/{where.repository}/issues"
        mine = _find(client, f"{base}/{where.number}/comments", _mark(body), pause, author=AUTHOR)
        attempt = 0
        while mine is None:
            try:
                return _address(_ask(client, "POST", f"{base}/{where.number}/comments", {"body": body}, pause, 1))
            except PublishingError as error:
                attempt += 1
                if attempt == ATTEMPTS or not error.again:
                    raise
            pause(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
            # What was answered by an error may have been written all the same: a second one would stay for ever.
            mine = _find(client, f"{base}/{where.number}/comments", _mark(body), pause, author=AUTHOR)
        return _address(_ask(client, "PATCH", f"{base}/comments/{mine}", {"body": body}, pause))


def _address(answer: httpx.Response) -> str:
    return str(answer.json().get("html_url", ""))


@dataclass(frozen=True)
class Head:
    """Head of a run, as the platform reports it: the repository's owner, the branch and the commit."""

    owner: str
    branch: str
    commit: str


def pull_request_at(head: Head, where: Repository, pause: Callable[[float], None] = time.sleep) -> int | None:
    """The number of the open pull request whose head this is; None once it has moved on, so that an older run never
    overwrites what a newer one said. Raises PublishingError.
    """
    wanted = httpx.QueryParams({"state": "open", "head": f"{head.owner}:{head.branch}"})
    with _client(where.token, where.api) as client:
        found = _ask(client, "GET", f"/repos/{where.name}/pulls?{wanted}", None, pause).json()
    numbers = [
        int(one["number"])
        for one in found
        if one["head"]["sha"] == head.commit and one["base"]["repo"]["full_name"] == where.name
    ]
    return numbers[0] if numbers else None


def changed_files(number: int, where: Repository, pause: Callable[[float], None] = time.sleep) -> list[str]:
    """The files that a pull request changes, as the platform says; a renamed one by both names.

    Raises PublishingError.
    """
    names: list[str] = []
    with _client(where.token, where.api) as client:
        for page in range(1, MOST_FILES // PAGE + 1):
            path = f"/repos/{where.name}/pulls/{number}/files?per_page={PAGE}&page={page}"
            found = _ask(client, "GET", path, None, pause).json()
            names += [str(one[key]) for one in found for key in ("filename", "previous_filename") if one.get(key)]
            if len(found) < PAGE:
                break
    return names


def close_issue(body: str, where: Repository, pause: Callable[[float], None] = time.sleep) -> str:
    """Closes our own open issue with the mark of ``body``, whose text it gets; returns its address, or nothing."""
    with _client(where.token, where.api) as client:
        base = f"/repos/{where.name}/issues"
        mine = _find(client, f"{base}?state=open", _mark(body), pause, "number", AUTHOR)
        if mine is None:
            return ""
        wanted = {"body": body, "state": "closed", "state_reason": "completed"}
        return _address(_ask(client, "PATCH", f"{base}/{mine}", wanted, pause))


def publish_issue(title: str, body: str, where: Repository, pause: Callable[[float], None] = time.sleep) -> str:
    """Opens an issue, or brings the open one with the same mark up to date; returns its address.

    Raises PublishingError after the last attempt, and for a text without a mark.
    """
    with _client(where.token, where.api) as client:
        base = f"/repos/{where.name}/issues"
        mine = _find(client, f"{base}?state=open", _mark(body), pause, "number", AUTHOR)
        if mine is None:
            answer = _ask(client, "POST", base, {"title": title, "body": body}, pause)
        else:
            answer = _ask(client, "PATCH", f"{base}/{mine}", {"title": title, "body": body}, pause)
    return str(answer.json().get("html_url", ""))


def publish_file(path: str, text: str, message: str, branch: str, base: str, where: Repository) -> None:
    """Makes ``branch`` what ``base`` is with one more commit, in which a file has that text. Of a branch that was there
    nothing is left: only we write to it. It moves in one step, because GitHub closes a pull request whose branch is for
    a moment where its base is. Raises PublishingError.
    """
    with _client(where.token, where.api) as client:
        git = f"/repos/{where.name}/git"

        def asked(method: str, part: str, body: Mapping[str, object] | None = None) -> httpx.Response:
            return _ask(client, method, f"{git}/{part}", body, time.sleep)

        head = str(asked("GET", f"ref/heads/{base}").json()["object"]["sha"])
        before = str(asked("GET", f"commits/{head}").json()["tree"]["sha"])
        changed = {"path": path, "mode": "100644", "type": "blob", "content": text}
        tree = str(asked("POST", "trees", {"base_tree": before, "tree": [changed]}).json()["sha"])
        commit = str(asked("POST", "commits", {"message": message, "tree": tree, "parents": [head]}).json()["sha"])
        name = f"refs/heads/{branch}"
        if any(one["ref"] == name for one in asked("GET", f"matching-refs/heads/{branch}").json()):
            asked("PATCH", name, {"sha": commit, "force": True})
        else:
            asked("POST", "refs", {"ref": name, "sha": commit})


def publish_pull_request(title: str, body: str, head: str, base: str, where: Repository) -> str:
    """Opens a pull request, unless one from ``head`` to ``base`` is open; returns its address."""
    with _client(where.token, where.api) as client:
        path = f"/repos/{where.name}/pulls"
        owner = where.name.partition("/")[0]
        there = _ask(client, "GET", f"{path}?state=open&head={owner}:{head}&base={base}", None, time.sleep).json()
        if there:
            return str(there[0]["html_url"])
        wanted = {"title": title, "body": body, "head": head, "base": base}
        return str(_ask(client, "POST", path, wanted, time.sleep).json()["html_url"])


def _client(token: str, api: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    return httpx.Client(base_url=api, headers=headers, timeout=TIMEOUT_SECONDS)


def _mark(body: str) -> str:
    found = _MARK.search(body)
    if found is None:
        raise PublishingError("the text has no mark, so the next run could not find it; only reports are published")
    return found[0]


def _find(
    client: httpx.Client, path: str, mark: str, pause: Callable[[float], None], key: str = "id", author: str = ""
) -> int | None:
    page = 1
    while True:
        found = _ask(
            client, "GET", f"{path}{'&' if '?' in path else '?'}per_page={PAGE}&page={page}", None, pause
        ).json()
        for one in found:
            if mark in str(one.get("body")) and author in ("", (one.get("user") or {}).get("login")):
                return int(one[key])
        if len(found) < PAGE:
            return None
        page += 1


def _ask(
    client: httpx.Client,
    method: str,
    path: str,
    body: Mapping[str, object] | None,
    pause: Callable[[float], None],
    attempts: int = ATTEMPTS,
) -> httpx.Response:
    problem, again = "", True
    for attempt in range(attempts):
        if attempt:
            pause(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        try:
            answer = client.request(method, path, json=body)
        except httpx.TransportError as error:
            problem = type(error).__name__
            continue
        if answer.is_success:
            return answer
        problem = f"status {answer.status_code}"
        again = answer.status_code in RETRIED or _is_limited(answer)
        if not again:
            break
    error_ = PublishingError(f"{method} {path}: {problem}")
    error_.again = again
    raise error_


def _is_limited(answer: httpx.Response) -> bool:
    """True if a refusal is a rate limit (GitHub, secondary rate limits)."""
    headers = answer.headers
    return answer.status_code == FORBIDDEN and ("retry-after" in headers or headers.get("x-ratelimit-remaining") == "0")
