"""The real promtool, and every stack's rules as a file that it reads."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from components.alert_rules import rendered
from infra.stackfile import read
from localcloud.toolchain.build import ensure
from localcloud.toolchain.families import PROMTOOL
from stacks.alerts import alert_groups

Promtool = Callable[..., tuple[int, str]]


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    """Runs it: exit code, and everything it said."""
    program = ensure(PROMTOOL, print) / "bin" / "promtool"

    def run(*arguments: str | Path) -> tuple[int, str]:
        command = [str(program), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture(scope="session")
def rules_of(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The rule file of a stack."""
    folder = tmp_path_factory.mktemp("rules")

    def written(stack: str) -> Path:
        file = folder / f"{stack}.yaml"
        file.write_text(yaml.safe_dump(rendered(alert_groups(read(root, stack))), sort_keys=False))
        return file

    return written
