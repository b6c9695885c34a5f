"""``contentgen updates``: newer dependencies as one pull request, a newer base image as one issue (requirement Y09).

The base image is named by a variable of the repository and not by a file, so that there is nothing to change for it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.report.events import ReportError
from ops.report.publishing import keep_issue, publish_file, publish_pull_request, repository_of

LOCK: Final = "requirements.lock"
BRANCH: Final = "updates/dependencies"
BASE: Final = "develop"
"""Branch that changes go to first (docs/releases)."""
TITLE: Final = "Newer dependencies"
BASE_TITLE: Final = "A newer base image"
BASE_MARK: Final = "<!-- contentgen base image -->"
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_PINNED: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class Update:
    """A package that a new lock changes.

    package: its name.
    before: version until now; nothing for one that is new.
    after: version from now on; nothing for one that is gone.
    """

    package: str
    before: str
    after: str


def differences(before: str, after: str) -> tuple[Update, ...]:
    """Packages whose versions two locks do not agree on, by name."""
    old, new = _versions(before), _versions(after)
    names = sorted(old.keys() | new.keys())
    return tuple(Update(name, old.get(name, ""), new.get(name, "")) for name in names if old.get(name) != new.get(name))


def _versions(lock: str) -> dict[str, str]:
    """Versions by package; one that a lock pins apart for two Pythons has both."""
    found: dict[str, list[str]] = {}
    for package, version in _PINNED.findall(lock):
        found.setdefault(package, []).append(version)
    return {package: ", ".join(sorted(versions)) for package, versions in found.items()}


def propose_updates(root: Path, repository: str, environment: Mapping[str, str]) -> str:
    """The pull request with the lock as it stands in the checkout, when it names other versions than its commit; its
    address, or nothing. Raises ReportError without a token or a commit, PublishingError when GitHub refuses.
    """
    done = subprocess.run(["git", "show", f"HEAD:{LOCK}"], cwd=root, capture_output=True, text=True, check=False)  # noqa: S607
    if done.returncode != 0:
        raise ReportError(f"{LOCK} cannot be read from the commit: {done.stderr.strip()}; fix: run it in a checkout")
    after = (root / LOCK).read_text(encoding="utf-8")
    found = differences(done.stdout, after)
    if not found:
        return ""
    where = repository_of(repository, environment)
    publish_file(LOCK, after, TITLE, BRANCH, BASE, where)
    return publish_pull_request(TITLE, body(found), BRANCH, BASE, where)


def body(found: tuple[Update, ...]) -> str:
    """The text of the pull request: every package, and who made the change."""
    rows = [f"| {one.package} | {one.before or '-'} | {one.after or '-'} |" for one in found]
    head = ["By `make lock UPGRADE=1`.", "", "| package | before | after |", "| --- | --- | --- |"]
    return "\n".join([*head, *rows, ""])


def tell_base(newest: str, repository: str, environment: Mapping[str, str]) -> str:
    """The issue that names a newer base image than ``PYTHON_DIGEST``, closed when that is the newest; its address.

    Raises ReportError for a text that is no digest, and without a token; PublishingError when GitHub refuses.
    """
    used = environment.get("PYTHON_DIGEST", "")
    for name, digest in (("--base-digest", newest), ("PYTHON_DIGEST", used)):
        if not DIGEST.fullmatch(digest):
            raise ReportError(f"{name} is {digest!r}; allowed is sha256: and 64 hexadecimal digits")
    change = f"`gh variable set PYTHON_DIGEST --body {newest}`, then run the policy workflow: it builds and scans."
    text = f"{BASE_MARK}\nThe base image is `{used}`; its tag names `{newest}` now.\n\nFix: {change}"
    return keep_issue(BASE_TITLE, text, repository_of(repository, environment), wanted=newest != used)
