"""The real promtool, and every stack's rules as a file that it reads."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from components.alert_rules import rendered
from localcloud.toolchain.families import PROMTOOL
from localcloud.toolchain.supply import ensure
from ops.stack_files import read
from stacks.plan import plan

Promtool = Callable[..., tuple[int, str]]
Checks = Sequence[Mapping[str, object]]
Replay = Callable[[str, Mapping[str, str], str, Checks], None]


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
        file.write_text(yaml.safe_dump(rendered(plan("it", read(root, stack)).alerts), sort_keys=False))
        return file

    return written


@pytest.fixture
def replay(promtool: Promtool, rules_of: Callable[[str], Path], tmp_path: Path) -> Replay:
    """Plays series, a value an interval, to the rules of a stack and asserts what queries give at which time."""

    def played(stack: str, series: Mapping[str, str], interval: str, checks: Checks) -> None:
        told = [{"series": name, "values": values} for name, values in series.items()]
        test = {"interval": interval, "input_series": told, "promql_expr_test": list(checks)}
        document = {"rule_files": [str(rules_of(stack))], "evaluation_interval": interval, "tests": [test]}
        file = tmp_path / "test.yaml"
        file.write_text(yaml.safe_dump(document))
        code, said = promtool("test", "rules", file)
        assert code == 0, said

    return played


def fired(alert: str, about: str, severity: str) -> dict[str, object]:
    """One alert as a query that counts by name, service and severity gives it."""
    return {"labels": f'{{alertname="{alert}",service="{about}",severity="{severity}"}}', "value": 1}
