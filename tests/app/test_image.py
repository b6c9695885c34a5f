"""The image's recipe: linted, and what the house asks of an image is in it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Fleet

from app.video.encoder import program
from localcloud.servers import free_port

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "Dockerfile").read_text()
SERVICE, GATEWAY = (RECIPE.split(f" AS {name}\n")[1].split("\nFROM ")[0] for name in ("service", "video-gateway"))


def test_the_linter_finds_nothing() -> None:
    linter = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert linter, "hadolint is missing; it comes with the extra `test`"
    done = subprocess.run([linter, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_stage_begins_with_a_base_named_by_digest() -> None:
    bases = re.findall(r"^FROM (\S+)", RECIPE, re.MULTILINE)
    assert bases[2:] == ["service", "service"], "of the two that are built upon"
    assert all(base.endswith("@${PYTHON_DIGEST}") for base in bases[:2])
    assert "\nARG PYTHON_DIGEST\n" in RECIPE, "without a default, so that nobody builds on an unnamed base"


def test_it_runs_as_1001_and_is_stopped_by_a_signal_that_arrives() -> None:
    assert found(SERVICE, "USER") == ["1001:1001"]
    assert found(GATEWAY, "USER") == ["0:0", "1001:1001"], "the last one is in force"
    assert found(SERVICE, "ENTRYPOINT") == ['["python", "-m", "app"]'], (
        "a shell in between would keep SIGTERM to itself"
    )
    assert found(SERVICE, "STOPSIGNAL") == ["SIGTERM"]


def found(stage: str, instruction: str) -> list[str]:
    return re.findall(rf"^{instruction} (.+)$", stage, re.MULTILINE)


@pytest.mark.requirement("C02")
@pytest.mark.parametrize(
    ("stage", "figures"),
    [
        (SERVICE, "--interval=30s --timeout=10s --start-period=60s --retries=3"),
        (GATEWAY, "--interval=30s --timeout=3s --start-period=5s --retries=3"),
    ],
)
def test_its_health_check_has_the_documents_figures(stage: str, figures: str) -> None:
    assert found(stage, "HEALTHCHECK") == [f'{figures} CMD ["python", "-m", "app.alive"]']


@pytest.mark.requirement("C02")
def test_it_says_which_version_it_is() -> None:
    for name in ("VERSION", "GIT_SHA", "BUILD_DATE"):
        assert re.search(rf"^ARG {name}=", SERVICE, re.MULTILINE) and f"{name}=${{{name}}}" in SERVICE


@pytest.mark.requirement("C02")
def test_the_gateways_image_has_ffmpeg_and_git_and_renders_by_that_ffmpeg() -> None:
    (installed,) = re.findall(r"apt-get install (.+) \\$", GATEWAY, re.MULTILINE)
    assert set(installed.split()) == {"--yes", "--no-install-recommends", "ffmpeg", "git"}
    assert found(GATEWAY, "ENV") == ["IMAGEIO_FFMPEG_EXE=/usr/bin/ffmpeg"]
    assert found(GATEWAY, "CMD") == ['["serve", "--role", "videos"]']
    assert "apt-get" not in SERVICE


@pytest.mark.requirement("C02")
def test_the_program_that_the_image_names_encodes_the_videos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/usr/bin/ffmpeg")
    assert program() == "/usr/bin/ffmpeg"


def test_without_a_target_the_image_is_the_one_of_every_product() -> None:
    assert RECIPE.rstrip().endswith("\nFROM service")


def test_no_secret_is_asked_for_and_only_the_service_is_sent_to_the_builder() -> None:
    named = re.findall(r"^(?:ARG|ENV) (\w+)|^    (\w+)=", RECIPE, re.MULTILINE)
    names = {first or second for first, second in named}
    assert not {name for name in names if re.search("PASSWORD|SECRET|TOKEN|KEY|DSN|DATABASE", name)}
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sent == ["app/", "pyproject.toml", "requirements.lock"]


@pytest.mark.requirement("C02")
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
