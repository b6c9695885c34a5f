"""Another project on the embedded cloud: its own name, prefix, image and bucket, with localcloud as its wheel and a
copy of the policy pack, and nothing else of this one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from localcloud.aws.session import owners_session
from localcloud.cloudfile import CloudFile
from localcloud.paths import cache_root
from localcloud.toolchain.families import FIRST
from localcloud.toolchain.origin import ensure
from tests.localcloud import wheel

COMMAND_SECONDS = 300
PORT = 8000
REGION = "us-east-1"
THIS_PROJECT = "contentgen"


@dataclass(frozen=True)
class Shelf:
    """A folder with the example as somebody has it, its state, and what was installed for it."""

    folder: Path

    @property
    def project(self) -> Path:
        return self.folder / "shelf"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def stack_file(self) -> Path:
        return self.project / "Pulumi.local.yaml"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``python -m localcloud ...`` in the project's folder, with variables of its own alone."""
        return subprocess.run(
            [str(self.project / ".venv" / "bin" / "python"), "-m", "localcloud", *arguments],
            cwd=self.project,
            env={
                "PATH": os.defpath,
                "HOME": str(self.folder / "home"),
                "PYTHONPATH": str(self.folder / "packages"),
                "SHELF_STATE": str(self.state),
                "SHELF_CACHE": str(self.folder / "cache"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def done(self, *arguments: str) -> str:
        """Output of a command that must not fail."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout

    def cloud(self) -> CloudFile:
        return CloudFile.read(self.state / "local" / "cloud.json")

    def answer(self) -> str:
        """The Service's, at the cluster address on which the runner listens."""
        names = json.loads((self.state / "local" / "regions" / REGION / "names.json").read_text())
        return httpx.get(f"http://{names['shelf.shelf']}:{PORT}/", timeout=10).text

    def processes(self) -> list[psutil.Process]:
        """Everything that was started for it: each has its folder in a word or a variable."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            with suppress(psutil.Error):
                words = [*(process.info["cmdline"] or []), *process.environ().values()]
                if process.status() != psutil.STATUS_ZOMBIE and any(str(self.folder) in word for word in words):
                    found.append(process)
        return found


@pytest.fixture(scope="module")
def shelf(root: Path) -> Iterator[Shelf]:
    ensure(print, FIRST)
    folder = Path(tempfile.mkdtemp(prefix="shelf-", dir="/var/tmp"))
    folder.chmod(0o755)
    made = Shelf(folder)
    (folder / "home").mkdir()
    wheel.unpacked(root, folder)
    shutil.copytree(root / "tests" / "localcloud" / "example", made.project)
    shutil.copytree(
        root / "policies", made.project / "policies", ignore=shutil.ignore_patterns("__pycache__", "config")
    )
    with_environment(folder / "environment")
    (made.project / ".venv").symlink_to(folder / "environment")
    with_tools(folder / "cache")
    try:
        yield made
    finally:
        made.run("down")
        left = made.processes()
        shutil.rmtree(folder)
    assert not left, f"processes left behind: {left}"


def with_environment(folder: Path) -> None:
    """The packages of this environment, whose folder may be called anything, under a name of the project's own."""
    folder.mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (folder / name).symlink_to(Path(sys.prefix) / name)


def with_tools(cache: Path) -> None:
    """The tools that this project has already: nothing is built again."""
    named = [f"toolchain/{family.name}-*" for family in FIRST]
    for pattern in (*named, "postgres-*", "pgbouncer-*", "redis-*"):
        for source in filter(Path.is_dir, cache_root().glob(pattern)):
            shutil.copytree(source, cache / source.relative_to(cache_root()), symlinks=True, copy_function=linked)


def linked(source: str, target: str) -> None:
    """A copy that takes no room where both are on one disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.fixture(scope="module")
def said(shelf: Shelf) -> str:
    """Output of the first ``up``; the tests below have the stack that it made."""
    return shelf.done("up")


def test_a_service_of_an_image_of_its_own_answers_through_the_runner(shelf: Shelf, said: str) -> None:
    assert "7 created" in said
    assert shelf.answer() == "three books"
    listed = shelf.done("status")
    assert "runner" in listed
    assert "Running 1/1" in listed


def test_its_bucket_is_in_the_embedded_aws(shelf: Shelf, said: str) -> None:
    storage = owners_session(REGION).client("s3", endpoint_url=shelf.cloud().aws_endpoint)
    assert [one["Name"] for one in storage.list_buckets()["Buckets"]] == ["local-covers"]


def test_its_policy_pack_refuses_a_bad_change_and_what_runs_goes_on(shelf: Shelf, said: str) -> None:
    sound = shelf.stack_file.read_text()
    shelf.stack_file.write_text(f'{sound}  bookshelf:host-network: "true"\n')
    refused = shelf.run("up")
    shelf.stack_file.write_text(sound)
    assert refused.returncode == 1
    assert "[mandatory]" in refused.stdout
    assert "hostNetwork is True" in refused.stdout
    assert refused.stdout.endswith("pulumi up ended with exit code 1\n")
    assert shelf.answer() == "three books"


def test_a_change_of_the_stack_file_reaches_the_pod(shelf: Shelf, said: str) -> None:
    sound = shelf.stack_file.read_text()
    shelf.stack_file.write_text(sound.replace("three", "four"))
    assert "1 updated" in shelf.done("up")
    assert shelf.answer() == "four books"
    shelf.stack_file.write_text(sound)


def test_nothing_of_this_project_is_in_its_state_or_its_processes(shelf: Shelf, said: str) -> None:
    running = shelf.processes()
    assert {"localcloud.aws.server", "localcloud.runner", "main"} <= {word for one in running for word in one.cmdline()}
    naming = [
        (one.cmdline(), variable)
        for one in running
        for variable in map("=".join, one.environ().items())
        if THIS_PROJECT in variable.lower()
    ]
    assert naming == []
    files = [path for path in shelf.state.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 50
    assert [path for path in files if THIS_PROJECT in str(path).lower() or THIS_PROJECT in text(path)] == []


def text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace").lower()


def test_down_leaves_no_process_and_no_file(shelf: Shelf, said: str) -> None:
    assert "local is gone: no process, port or file of it is left" in shelf.done("down")
    assert shelf.processes() == []
    assert not (shelf.state / "local").exists()
    assert shelf.done("down") == "local is not running\n"
    assert shelf.done("status") == "nothing is running; start with `python -m localcloud up`\n"


def test_a_stack_without_a_file_is_refused_with_those_that_there_are(shelf: Shelf) -> None:
    refused = shelf.run("up", "--stack", "prod")
    assert refused.returncode == 2
    assert (
        "Pulumi.prod.yaml is not there, and --stack is prod; stack files that are: Pulumi.local.yaml" in refused.stdout
    )
