"""docs/bring-your-own.md command by command, in a copy of this checkout: a product that nobody wrote by hand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from localcloud.cloudfile import CloudFile
from localcloud.paths import cache_root
from ops.checkout import CHECKOUT
from tests.engine.checkout import copied
from tests.engine.world import World

PAGE = CHECKOUT / "docs" / "bring-your-own.md"
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8080"
STACK = "shop-local"
COMMAND_SECONDS = 900


def commands() -> dict[str, list[str]]:
    """The page's commands by section; a document between two lines END is one command with its first line."""
    _, *parts = SECTION.split(PAGE.read_text())
    found = {}
    for title, text in zip(parts[::2], parts[1::2], strict=True):
        lines = "".join(BLOCK.findall(text))
        found[title] = re.findall(r"^.*<<'END'\n(?s:.*?)^END$|^.+$", lines, re.MULTILINE)
    return found


@dataclass(frozen=True)
class Walk:
    """A copy of the checkout in which the page is followed, with a cloud of its own."""

    checkout: Path
    state: Path
    home: Path

    def run(self, command: str) -> str:
        """A command as a person types it, at the address that the edge has here; what it printed."""
        file = self.state / STACK / "cloud.json"
        if file.exists():
            command = command.replace(ADDRESS, CloudFile.read(file).regions[0].url)
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.checkout,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-6000:]}"
        return done.stdout

    def environment(self) -> Mapping[str, str]:
        """A home of its own; packages and tools that were fetched before are found where they are."""
        caches = {"CONTENTGEN_CACHE": str(cache_root()), "UV_CACHE_DIR": str(Path.home() / ".cache" / "uv")}
        return {**os.environ, **caches, "CONTENTGEN_STATE": str(self.state), "HOME": str(self.home), "NO_COLOR": "1"}


@pytest.fixture(scope="module")
def walk(world: World) -> Iterator[Walk]:
    root = Path(tempfile.mkdtemp(prefix="contentgen-product-", dir="/var/tmp"))
    root.chmod(0o755)
    made = Walk(root / "checkout", root / "state", world.home)
    copied(made.checkout)
    try:
        yield made
        made.run("make down")
    finally:
        shutil.rmtree(root)


@pytest.fixture(scope="module")
def said(walk: Walk) -> Mapping[str, str]:
    """Output of every section's commands, in the order of the page."""
    return {title: "".join(walk.run(command) for command in lines) for title, lines in commands().items()}


def test_the_tests_that_are_written_pass_and_no_generated_file_is_stale(said: Mapping[str, str]) -> None:
    assert re.search(r"\b\d\d passed", said["Make the product"])
    assert "failed" not in said["Make the product"]
    assert "generated files: no finding" in said["Make the product"]


def test_an_item_is_created_and_read_back(said: Mapping[str, str]) -> None:
    made = re.findall(r'\{"id":"([0-9a-f-]{36})","owner":"~guest","text":"Try it out"', said["Bring it up"])
    assert len(made) == 2
    assert made[0] == made[1]


def test_a_changed_variable_is_previewed_as_that_alone(said: Mapping[str, str]) -> None:
    previewed, applied = said["Change a variable"].split("deploying shop-local")
    for text in (previewed, applied):
        assert re.search(r"\+-\s*1 (to replace|replaced)", text), text[-3000:]
        assert re.search(r"~\s*1 (to update|updated)", text), text[-3000:]


def test_a_program_outside_app_runs_in_its_own_image_on_the_products_database(said: Mapping[str, str]) -> None:
    assert said["An image of your own"].endswith('{"items":0}')


def test_nothing_is_left_of_the_stack(walk: Walk, said: Mapping[str, str]) -> None:
    assert f"{STACK} is gone: no process, port or file of it is left" in said["Take it down"]
    assert not (walk.state / STACK).exists()


def test_what_was_written_passes_the_linter_the_type_checker_and_the_import_contracts(
    walk: Walk, said: Mapping[str, str]
) -> None:
    assert "0 errors" in walk.run("make lint")
