"""Updates and scans by the clock: one pull request, one issue each, and nothing is sound because it was not read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ops.report.events import ReportError
from ops.report.publishing import AUTHOR
from ops.upkeep.updates import BRANCH, LOCK, Update, differences, propose_updates, tell_base
from ops.upkeep.vulnerabilities import Vulnerability, read_scans, tell_vulnerabilities
from tests.serving import served

SAME = "same==2 ; python_version < '3.12'\n"
BEFORE = "httpx==0.28.1 \\\n    --hash=sha256:aa\nold==1.0 \\\n    --hash=sha256:bb\n" + SAME
AFTER = "httpx==0.29.0 \\\n    --hash=sha256:cc\nnew==3.1\n" + SAME
OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
SCAN = {
    "SchemaVersion": 2,
    "Results": [
        {"Target": "contentgen:scanned (debian 12.9)", "Class": "os-pkgs"},
        {
            "Target": "Python",
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2026-2",
                    "PkgName": "aiohttp",
                    "InstalledVersion": "3.9",
                    "FixedVersion": "3.10",
                    "Severity": "HIGH",
                },
                {"VulnerabilityID": "CVE-2026-1", "PkgName": "zlib", "InstalledVersion": "1.3", "Severity": "CRITICAL"},
            ],
        },
    ],
}


class Forge(ThreadingHTTPServer):
    """The repository of GitHub's API that is needed: references, commits, one file, pull requests and issues."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.references = {"refs/heads/develop": "d0"}
        self.commits: dict[str, Mapping[str, object]] = {}
        self.trees: list[Mapping[str, object]] = []
        self.pulls: list[dict[str, object]] = []
        self.issues: list[dict[str, object]] = []
        self.moves: list[tuple[str, str]] = []

    @property
    def variables(self) -> dict[str, str]:
        return {"GITHUB_TOKEN": "ghs_canary", "GITHUB_API_URL": f"http://127.0.0.1:{self.server_port}"}

    def answer(self, method: str, path: str, body: Mapping[str, object]) -> object:
        part = path.removeprefix("/repos/us/platform/")
        match method, part.split("?")[0].split("/"):
            case "GET", ["git", "ref", "heads", name]:
                return {"object": {"sha": self.references[f"refs/heads/{name}"]}}
            case "GET", ["git", "commits", _]:
                return {"tree": {"sha": "t0"}}
            case "POST", ["git", "trees"]:
                self.trees.append(body)
                return {"sha": f"t{len(self.trees)}"}
            case "POST", ["git", "commits"]:
                name = f"c{len(self.commits) + 1}"
                self.commits[name] = body
                return {"sha": name}
            case "GET", ["git", "matching-refs", *_]:
                # As GitHub does, by the beginning of the name.
                begin = part.removeprefix("git/matching-refs/")
                return [{"ref": one} for one in self.references if one.startswith(f"refs/{begin}")]
            case ("POST", ["git", "refs"]) | ("PATCH", ["git", "refs", *_]):
                name = str(body.get("ref", part.removeprefix("git/")))
                assert method == "POST" or body["force"] is True
                assert (method == "POST") == (name not in self.references)
                self.references[name] = str(body["sha"])
                self.moves.append((name, str(body["sha"])))
                return {}
            case "GET", ["pulls"]:
                return self.pulls
            case "POST", ["pulls"]:
                self.pulls.append({**body, "html_url": f"https://forge/pull/{len(self.pulls) + 1}"})
                return self.pulls[-1]
            case "GET", ["issues"]:
                return [one for one in self.issues if one["state"] == "open"]
            case "POST", ["issues"]:
                number = len(self.issues) + 1
                own = {
                    "number": number,
                    "state": "open",
                    "user": {"login": AUTHOR},
                    "html_url": f"https://forge/{number}",
                }
                self.issues.append({**own, **body})
                return self.issues[-1]
            case "PATCH", ["issues", number]:
                self.issues[int(number) - 1].update(body)
                return self.issues[int(number) - 1]
            case _:
                raise AssertionError(f"{method} {path}")


class _Handler(BaseHTTPRequestHandler):
    server: Forge

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""

    def _answer(self) -> None:
        given = self.rfile.read(int(self.headers.get("content-length") or 0))
        text = json.dumps(self.server.answer(self.command, self.path, json.loads(given or b"{}"))).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the library's names


@pytest.fixture
def forge() -> Iterator[Forge]:
    with served(Forge()) as server:
        yield server


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A commit with a lock, and a newer lock in the folder."""
    (tmp_path / LOCK).write_text(BEFORE)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "lock"]):
        own = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com", *command]
        subprocess.run(own, cwd=tmp_path, check=True)
    (tmp_path / LOCK).write_text(AFTER)
    return tmp_path


def scan(folder: Path, value: object) -> Path:
    file = folder / "scan.json"
    file.write_text(value if isinstance(value, str) else json.dumps(value))
    return file


@pytest.mark.requirement("Y09")
def test_a_package_that_is_newer_new_or_gone_is_named_and_one_that_stays_is_not() -> None:
    assert differences(BEFORE, AFTER) == (
        Update("httpx", "0.28.1", "0.29.0"),
        Update("new", "", "3.1"),
        Update("old", "1.0", ""),
    )


@pytest.mark.requirement("Y09")
def test_a_package_that_is_pinned_apart_for_two_pythons_is_named_whichever_of_them_is_newer() -> None:
    pinned = "numpy==2.2 ; python_version < '3.12'\nnumpy==2.4 ; python_version >= '3.12'\n"
    assert differences(pinned, pinned.replace("2.2", "2.3")) == (Update("numpy", "2.2, 2.4", "2.3, 2.4"),)


@pytest.mark.requirement("Y09")
def test_newer_dependencies_are_one_pull_request_which_the_next_week_brings_up_to_date(
    forge: Forge, checkout: Path
) -> None:
    address = propose_updates(checkout, "us/platform", forge.variables)
    assert address == "https://forge/pull/1"
    (pull,) = forge.pulls
    assert (pull["head"], pull["base"]) == (BRANCH, "develop")
    assert "| httpx | 0.28.1 | 0.29.0 |" in str(pull["body"])
    assert forge.trees[0] == {
        "base_tree": "t0",
        "tree": [{"path": LOCK, "mode": "100644", "type": "blob", "content": AFTER}],
    }
    assert forge.commits["c1"]["parents"] == ["d0"]
    forge.references["refs/heads/develop"] = "d1"
    (checkout / LOCK).write_text(AFTER.replace("3.1", "3.2"))
    assert propose_updates(checkout, "us/platform", forge.variables) == "https://forge/pull/1"
    assert forge.commits["c2"]["parents"] == ["d1"]
    # Never where its base is: GitHub closes the pull request then.
    assert forge.moves == [(f"refs/heads/{BRANCH}", "c1"), (f"refs/heads/{BRANCH}", "c2")]


@pytest.mark.requirement("Y09")
def test_without_a_newer_dependency_nothing_is_written(forge: Forge, checkout: Path) -> None:
    (checkout / LOCK).write_text(BEFORE)
    assert propose_updates(checkout, "us/platform", forge.variables) == ""
    assert (forge.moves, forge.pulls) == ([], [])


@pytest.mark.requirement("Y09")
def test_a_newer_base_image_is_one_issue_until_it_is_used(forge: Forge) -> None:
    variables = {**forge.variables, "PYTHON_DIGEST": OLD}
    assert tell_base(NEW, "us/platform", variables) == tell_base(NEW, "us/platform", variables) == "https://forge/1"
    (issue,) = forge.issues
    assert issue["state"] == "open"
    assert f"gh variable set PYTHON_DIGEST --body {NEW}" in str(issue["body"])
    tell_base(NEW, "us/platform", {**variables, "PYTHON_DIGEST": NEW})
    assert issue["state"] == "closed"


@pytest.mark.parametrize(("newest", "used"), [("latest", OLD), (NEW, ""), (f"{NEW}\n; rm", OLD)])
def test_a_digest_that_is_none_is_refused(forge: Forge, newest: str, used: str) -> None:
    with pytest.raises(ReportError, match="allowed is sha256: and 64 hexadecimal digits"):
        tell_base(newest, "us/platform", {**forge.variables, "PYTHON_DIGEST": used})


@pytest.mark.requirement("Y09")
def test_holes_are_listed_the_worst_first_and_once_wherever_they_were_found(tmp_path: Path) -> None:
    file = scan(tmp_path, SCAN)
    assert read_scans([file, file]) == (
        Vulnerability("CVE-2026-1", "zlib", "1.3", "", "CRITICAL"),
        Vulnerability("CVE-2026-2", "aiohttp", "3.9", "3.10", "HIGH"),
    )


@pytest.mark.requirement("Y09")
def test_findings_open_one_issue_which_is_kept_up_to_date_and_closed(forge: Forge, tmp_path: Path) -> None:
    found = read_scans([scan(tmp_path, SCAN)])
    assert tell_vulnerabilities(found, "us/platform", forge.variables) == "https://forge/1"
    assert tell_vulnerabilities(found[:1], "us/platform", forge.variables) == "https://forge/1"
    (issue,) = forge.issues
    assert "- `CRITICAL CVE-2026-1 in zlib 1.3: no fix yet`" in str(issue["body"])
    assert "CVE-2026-2" not in str(issue["body"])
    tell_vulnerabilities((), "us/platform", forge.variables)
    assert issue["state"] == "closed"
    assert tell_vulnerabilities((), "us/platform", forge.variables) == ""


def test_more_holes_than_an_issue_has_room_for_are_counted(forge: Forge) -> None:
    many = [Vulnerability(f"CVE-{number}", "x", "1", "", "HIGH") for number in range(1000)]
    tell_vulnerabilities(many, "us/platform", forge.variables)
    body = str(forge.issues[0]["body"])
    assert "… and 800 more" in body
    assert len(body) < 65_536


@pytest.mark.requirement("Y09")
@pytest.mark.parametrize("text", ["", "{}", '{"SchemaVersion": 2, "Results": [{"Target": "x", "Vuln', "[]", "null"])
def test_a_scan_that_is_empty_cut_off_or_none_is_no_sound_image(tmp_path: Path, text: str) -> None:
    with pytest.raises(ReportError, match=r"scan\.json: is no JSON report of Trivy"):
        read_scans([scan(tmp_path, text)])
    with pytest.raises(ReportError, match=r"gone\.json"):
        read_scans([tmp_path / "gone.json"])


def test_a_scan_without_a_finding_is_sound(tmp_path: Path) -> None:
    assert read_scans([scan(tmp_path, {"SchemaVersion": 2, "Results": None})]) == ()


def test_without_a_token_it_is_said_what_is_missing() -> None:
    with pytest.raises(ReportError, match="GITHUB_TOKEN is not set"):
        tell_vulnerabilities((), "us/platform", {})
