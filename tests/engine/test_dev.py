"""``contentgen dev`` on a copy of the checkout: edits run in the pods, broken ones do no harm, and it ends well."""

from __future__ import annotations

import os
import pty
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from ops.checkout import CHECKOUT
from tests.engine.checkout import copied
from tests.engine.world import COMMAND_SECONDS, CONTENTGEN, World

WAIT_SECONDS = 60.0
FILE = "app/api/health.py"
HEALTH = 'status: str = "healthy"'


@dataclass
class Terminal:
    """A command on a terminal of its own, and all that it has shown."""

    process: subprocess.Popen[bytes]
    master: int
    shown: str = ""
    _reading: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        while True:
            try:
                self.shown += os.read(self.master, 65536).decode(errors="replace")
            except OSError:
                return

    def shows(self, text: str, seconds: float = WAIT_SECONDS, times: int = 1) -> None:
        self.until(lambda: self.shown.count(text) >= times, seconds)

    def until(self, happened: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < deadline, self.shown[-4000:]
            assert self.process.poll() is None, self.shown[-4000:]
            time.sleep(0.02)

    def press(self, key: str) -> None:
        os.write(self.master, key.encode())


@dataclass(frozen=True)
class Developing:
    """A world of its own for a copy of the checkout."""

    world: World
    checkout: Path
    terminal: Terminal

    @property
    def url(self) -> str:
        return self.world.cloud("local").regions[0].url

    def status(self) -> str:
        """The word that the service's /health says; nothing while it is restarted."""
        try:
            answer = httpx.get(f"{self.url}/health", timeout=5)
            return str(answer.json().get("status")) if answer.status_code == 200 else ""
        except (httpx.HTTPError, ValueError):
            return ""

    def health(self, line: str) -> None:
        """Edits the line that /health says."""
        path = self.checkout / FILE
        path.write_text((CHECKOUT / FILE).read_text().replace(HEALTH, line))


def _environment(world: World, checkout: Path) -> dict[str, str]:
    # Before the installed project, so that the command is the copy's.
    return {**world.environment(), "PYTHONPATH": str(checkout), "TERM": "xterm", "NO_COLOR": ""}


@pytest.fixture(scope="module")
def developing(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Developing]:
    checkout = Path(f"{world.state}-dev") / "checkout"
    copied(checkout)
    (checkout / ".venv").symlink_to(CHECKOUT / ".venv")
    own = World(checkout.parent / "state", world.home)
    environment = {**_environment(own, checkout), "CONTENTGEN_STATE": str(own.state)}
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (50, 200))
    process = subprocess.Popen(
        [str(CONTENTGEN), "dev"], env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    terminal = Terminal(process, master)
    try:
        terminal.shows("pods run it after", COMMAND_SECONDS)
        yield Developing(own, checkout, terminal)
    finally:
        process.kill()
        process.wait()
        subprocess.run([str(CONTENTGEN), "down"], env=environment, check=True, capture_output=True, timeout=120)
        assert own.processes() == []
        os.close(master)


def test_an_edit_runs_in_the_declared_pods_and_the_pods_stay(developing: Developing) -> None:
    before = developing.world.kubectl("local", "-n", "contentgen", "get", "pods", "-o", "name")
    assert developing.status() == "healthy"
    began = time.monotonic()
    developing.health('status: str = "edited"')
    developing.terminal.until(lambda: developing.status() == "edited")
    print(f"an edit answered after {time.monotonic() - began:.2f} s")
    developing.terminal.shows(f"{FILE}: 4 pods run it after")
    assert developing.world.kubectl("local", "-n", "contentgen", "get", "pods", "-o", "name") == before


def test_the_logs_of_all_pods_are_one_stream_with_a_colour_a_pod(developing: Developing) -> None:
    for name in ("cpm-", "im-", "worker-", "frontend-"):
        developing.terminal.until(lambda name=name: f"m{name}" in developing.terminal.shown)
    assert "\x1b[" in developing.terminal.shown


def test_an_edit_that_does_not_compile_is_named_and_one_that_fails_is_mended_by_the_next(
    developing: Developing,
) -> None:
    developing.health("status: str = (")
    developing.terminal.shows("SyntaxError")
    assert developing.status() == "edited"
    developing.health('status: str = "mended"')
    developing.terminal.until(lambda: developing.status() == "mended")
    developing.health('status: str = "mended"\n    raise RuntimeError')
    developing.terminal.shows("ended with exit code")
    developing.health('status: str = "mended"')
    developing.terminal.until(lambda: developing.status() == "mended")


def test_a_key_applies_the_settings_of_the_stack_file(developing: Developing) -> None:
    file = developing.checkout / "Pulumi.local.yaml"
    text = file.read_text()
    file.write_text(f"{text.rstrip()}\n")
    file.write_text(f"{text.rstrip()}\n# edited\n")
    developing.terminal.shows("Pulumi.local.yaml changed")
    developing.terminal.press("s")
    developing.terminal.shows("the stack file is applied", COMMAND_SECONDS)


def test_a_key_ends_it_and_the_pods_run_what_they_declare_again(developing: Developing) -> None:
    developing.terminal.press("q")
    assert developing.terminal.process.wait(WAIT_SECONDS) == 0
    assert "local runs on" in developing.terminal.shown
    images = developing.world.state / "local" / "images"
    assert [path.name for path in images.glob("*.json")] == []
    deadline = time.monotonic() + WAIT_SECONDS
    while developing.status() == "" and time.monotonic() < deadline:
        time.sleep(0.1)
    # `s` made an image of the edits that were there.
    assert developing.status() == "mended"
    running = [one for one in psutil.process_iter(["cmdline"]) if "reloading.py" in " ".join(one.info["cmdline"] or [])]
    assert [one for one in running if str(developing.checkout) in " ".join(one.info["cmdline"])] == []
