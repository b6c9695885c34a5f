"""A repository in which releases are made of this checkout, and a Slack that hears of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from tests.engine.checkout import copied
from tests.engine.world import COMMAND_SECONDS, World
from tests.serving import served

COMMAND = "from ops.cli import main; main()"
GIT = ("git", "-c", "user.name=Drill", "-c", "user.email=drill@example.com", "-c", "commit.gpgsign=false")
PASSED = """<testsuites><testsuite tests="1" failures="0" errors="0">
<testcase classname="tests.app.test_migrations" name="test_migrating_twice_changes_nothing_more"/>
</testsuite></testsuites>"""
MIGRATION = '''"""A table that a release of the drill adds."""

from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    """A new table."""
    op.execute("CREATE TABLE IF NOT EXISTS drill (id bigint PRIMARY KEY)")
'''
PROTECTED = """
import pulumi_random

pulumi_random.RandomPassword("added-by-the-release", length=24, opts=pulumi.ResourceOptions(protect=True))
"""
CONTRACT = "Accepted.model_construct(job_id=job,"


@dataclass(frozen=True)
class Repository:
    """The files of a commit, and the commands that release them onto a stack of the tests' world."""

    folder: Path
    world: World
    variables: Mapping[str, str] = field(default_factory=dict)

    def begin(self) -> str:
        """The checkout as it stands as the first commit; its name."""
        self.folder.mkdir()
        copied(self.folder)
        self._git("init", "--quiet")
        (self.folder / ".git" / "info" / "exclude").write_text(".venv\n")
        (self.folder / ".venv").symlink_to(sys.prefix)
        (self.folder / "reports").mkdir()
        (self.folder / "reports" / "tests.xml").write_text(PASSED)
        (self.folder / "CHANGELOG.md").write_text("# Changes\n\n## Unreleased\n- Something new.\n")
        return self.commit("The release before")

    def commit(self, message: str) -> str:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message)
        return self._git("rev-parse", "HEAD").strip()

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} does not have {old!r}"
        path.write_text(text.replace(old, new, 1))

    def add_migration(self) -> str:
        """One more revision of the database; its number."""
        versions = self.folder / "app" / "migrations" / "versions"
        before = max(path.name[:4] for path in versions.glob("[0-9]*.py"))
        revision = f"{int(before) + 1:04}"
        (versions / f"{revision}_drill.py").write_text(MIGRATION.format(revision=revision, before=before))
        return revision

    def add_protected_resource(self) -> None:
        path = self.folder / "infra" / "__main__.py"
        path.write_text(path.read_text() + PROTECTED)

    def break_the_contract(self) -> None:
        """POST /generate answers 202 with a field of another name: pods are ready, and no client gets its job."""
        self.edit("app/api/generate.py", CONTRACT, "Accepted.model_construct(id=job,")

    def released(self, stack: str) -> int:
        """A plan of the newest commit and its release; the exit code of the release."""
        planned = self.contentgen("plan", "--stack", stack)
        assert planned.returncode == 0, planned.stdout[-4000:]
        done = self.contentgen("release", "--stack", stack)
        assert done.returncode in (0, 1), done.stdout[-4000:]
        print(done.stdout[-4000:])
        return done.returncode

    def contentgen(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command by this repository's own code."""
        return subprocess.run(
            [sys.executable, "-c", COMMAND, *arguments],
            cwd=self.folder,
            env={**self.world.environment(), "PYTHONPATH": str(self.folder), **self.variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def _git(self, *arguments: str) -> str:
        command = [*GIT, *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True).stdout


@contextmanager
def slack() -> Iterator[tuple[str, list[Mapping[str, str]]]]:
    """An address that takes messages, and those that it got."""
    heard: list[Mapping[str, str]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: what was heard is looked at by the test."""

    server = HTTPServer(("127.0.0.1", 0), Hook)
    with served(server):
        yield f"http://127.0.0.1:{server.server_port}/hook", heard
