"""One world for the tier: state under a folder that an unprivileged Postgres can reach, and a home full of traps."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.toolchain.origin import ensure
from tests.engine.world import World

TRAPS = {
    ".kube/config": "apiVersion: v1\nkind: Config\ncurrent-context: never-use-this\n",
    ".aws/credentials": "[default]\naws_access_key_id = NEVERUSETHIS\naws_secret_access_key = NEVERUSETHIS\n",
    ".aws/config": "[default]\nregion = never-use-this\n",
    ".pulumi/credentials.json": '{"current": "never-use-this"}\n',
}


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file below a folder, with its content's hash."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="session")
def printed() -> dict[str, str]:
    """Output of the last ``up`` of the local stack."""
    return {}


@pytest.fixture
def up(world: World, printed: dict[str, str]) -> str:
    """The local stack, shared by all tests of it and brought up again after one that took it down; the output of
    ``up``. So the files of this tier run in any order.
    """
    if not (world.state / "local" / "cloud.json").exists():
        done = world.command("up", "--stack", "local")
        assert done.returncode == 0, done.stdout[-4000:]
        printed["local"] = done.stdout
    return printed["local"]


@pytest.fixture
def url(world: World, up: str) -> str:
    """Address of the local stack now."""
    return world.cloud("local").regions[0].url


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    # On a new machine this builds for twenty minutes, more than any single command below may take.
    ensure(print)
    root = Path(tempfile.mkdtemp(prefix="contentgen-engine-", dir="/var/tmp"))
    root.chmod(0o755)
    home = root / "home"
    for name, text in TRAPS.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    before = os.environ.get("CONTENTGEN_STATE")
    os.environ["CONTENTGEN_STATE"] = str(root / "state")
    made = World(root / "state", home)
    yield made
    made.command("down")
    left = made.processes()
    if before is None:
        del os.environ["CONTENTGEN_STATE"]
    else:
        os.environ["CONTENTGEN_STATE"] = before
    shutil.rmtree(root)
    assert not left, f"processes left behind: {left}"
