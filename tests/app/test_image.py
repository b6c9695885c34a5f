"""The image's recipe: linted, and what the house asks of an image is in it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Fleet

from localcloud.servers import free_port

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "Dockerfile").read_text()
LAST_STAGE = RECIPE[RECIPE.rindex("\nFROM ") :]


def test_the_linter_finds_nothing() -> None:
    linter = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert linter, "hadolint is missing; it comes with the extra `test`"
    done = subprocess.run([linter, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_stage_begins_with_a_base_named_by_digest() -> None:
    bases = re.findall(r"^FROM (\S+)", RECIPE, re.MULTILINE)
    assert len(bases) == 2
    assert all(base.endswith("@${PYTHON_DIGEST}") for base in bases)
    assert "\nARG PYTHON_DIGEST\n" in RECIPE, "without a default, so that nobody builds on an unnamed base"


def test_it_runs_as_1001_and_is_stopped_by_a_signal_that_arrives() -> None:
    users = re.findall(r"^USER (.+)$", LAST_STAGE, re.MULTILINE)
    assert users == ["1001:1001"]
    assert 'ENTRYPOINT ["python", "-m", "app"]' in LAST_STAGE, "a shell in between would keep SIGTERM to itself"
    assert "STOPSIGNAL SIGTERM" in LAST_STAGE


def test_its_health_check_has_the_documents_figures() -> None:
    [check] = re.findall(r"^HEALTHCHECK (.+)$", LAST_STAGE, re.MULTILINE)
    assert check.startswith("--interval=30s --timeout=10s --start-period=60s --retries=3 CMD ")


def test_it_says_which_version_it_is() -> None:
    for name in ("VERSION", "GIT_SHA", "BUILD_DATE"):
        assert f"\nARG {name}=" in LAST_STAGE and f"{name}=${{{name}}}" in LAST_STAGE


def test_no_secret_is_asked_for_and_only_the_service_is_sent_to_the_builder() -> None:
    named = re.findall(r"^(?:ARG|ENV) (\w+)|^    (\w+)=", RECIPE, re.MULTILINE)
    names = {first or second for first, second in named}
    assert not {name for name in names if re.search("PASSWORD|SECRET|TOKEN|KEY|DSN|DATABASE", name)}
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sent == ["app/", "pyproject.toml", "requirements.lock"]


@pytest.mark.parametrize("running", [True, False])
def test_the_health_check_tells_a_running_service_from_none(fleet: Fleet, running: bool) -> None:
    def check(port: str) -> int:
        command = [sys.executable, "-m", "app.alive"]
        return subprocess.run(command, env={**fleet.environment, "PORT": port}, check=False).returncode

    if not running:
        assert check(str(free_port())) == 1
        return
    with fleet.process("im", "serve", "--role", "im") as (_, url):
        assert check(url.rpartition(":")[2]) == 0
