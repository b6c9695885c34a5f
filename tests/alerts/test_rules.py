"""Every alert goes off when it should and not when it should not, by the real promtool on the real rules of prod."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from components.pod_monitor import INTERVAL_SECONDS
from ops.stack_files import read
from stacks.plan import plan
from tests.alerts.conftest import Promtool
from tests.alerts.world import FIFTY, MINUTES, Course, Service, always, series, spell
from tests.unit.program import ROOT, STACKS

PROD = read(ROOT, "prod")
WORKLOADS = plan("it", PROD).workloads
CALM = Service()
IDLE = CALM.but(instances=3, cpu=always(29), memory=always(39), broken=always(0.0009)).slow(0.5, always(0.04))
"""Under every lower trigger by a little, with one instance more than production begins with."""
FEW = always(9)
FIRING = 'count by (alertname, service, severity) (ALERTS{alertstate="firing"})'
Alert = tuple[str, str, str]


@dataclass(frozen=True)
class Case:
    """State of the world from the first minute; which alerts fire at some minute, and no others."""

    title: str
    services: Mapping[str, Service]
    queue: Course = FIFTY
    firing: frozenset[Alert] = frozenset()
    minutes: tuple[int, ...] = (35,)


def quiet(title: str, queue: Course = FIFTY, **services: Service) -> Case:
    """Nothing fires, at any time."""
    return Case(title, services, queue, minutes=tuple(range(1, MINUTES + 1)))


def fires(title: str, *alerts: Alert, queue: Course = FIFTY, **services: Service) -> Case:
    return Case(title, services, queue, frozenset(alerts))


ERRORS = ("ErrorsHigh", "cpm", "critical")
SLOW, SLOWER = ("LatencyRaised", "cpm", "warning"), ("LatencyHigh", "cpm", "high")
SMALLER = ("CouldBeSmaller", "cpm", "low")
TEN = CALM.but(instances=10)

CASES = (
    quiet("a calm stack has no alert"),
    fires("more than 5 % of answers break", ERRORS, cpm=CALM.but(broken=always(0.051))),
    quiet("exactly 5 % break", cpm=CALM.but(broken=always(0.05))),
    quiet("many break, but not for five minutes", cpm=CALM.but(broken=spell(0.5, 0.5, 0))),
    quiet("only probes fail", cpm=CALM.but(probes_fail=True)),
    fires("one in twenty takes more than 2 s", SLOW, SLOWER, cpm=CALM.slow(2, always(0.06))),
    fires("one in twenty takes more than 1 s", SLOW, cpm=CALM.slow(1, always(0.06))),
    quiet("fewer than one in twenty take more than 2 s", cpm=CALM.slow(2, always(0.04))),
    quiet("slow, but not for long", cpm=CALM.slow(2, spell(0.2, 0.5, 0))),
    quiet("im is slow by its nature", im=CALM.slow(2, always(0.9))),
    fires("CPU with every instance", ("CpuAtMaximum", "cpm", "warning"), cpm=TEN.but(cpu=always(71))),
    quiet("CPU at the target with every instance", cpm=TEN.but(cpu=always(70))),
    quiet("CPU while there are instances to add", cpm=CALM.but(instances=9, cpu=always(200))),
    quiet("CPU with every instance, not for ten minutes", cpm=TEN.but(cpu=spell(90, 5, 50))),
    quiet("CPU of workers is no matter of theirs", worker=CALM.but(instances=5, cpu=always(95))),
    fires(
        "memory with every instance", ("MemoryAtMaximum", "im", "warning"), im=CALM.but(instances=5, memory=always(81))
    ),
    quiet("memory at the target with every instance", im=CALM.but(instances=5, memory=always(80))),
    quiet("memory while there are instances to add", im=CALM.but(instances=4, memory=always(95))),
    quiet("memory with every instance, not for five minutes", im=CALM.but(instances=5, memory=spell(95, 4.5, 50))),
    fires("jobs pile up", ("QueueLong", "worker", "warning"), queue=always(101)),
    quiet("a hundred jobs wait", queue=always(100)),
    quiet("many jobs wait, not for five minutes", queue=spell(1000, 4.5, 50)),
    fires("nothing asks for a third instance", SMALLER, queue=FEW, cpm=IDLE),
    fires("nobody calls at all", SMALLER, queue=FEW, cpm=IDLE.but(broken=always(0)).slow(0.5, always(0))),
    quiet("idle, but no more instances than production begins with", queue=FEW, cpm=IDLE.but(instances=2)),
    quiet("idle but for CPU", queue=FEW, cpm=IDLE.but(cpu=always(30))),
    quiet("idle but for memory", queue=FEW, cpm=IDLE.but(memory=always(40))),
    quiet("idle but for the queue", queue=always(10), cpm=IDLE),
    quiet("idle but for the time it takes", queue=FEW, cpm=IDLE.slow(0.5, always(0.06))),
    quiet("idle but for errors", queue=FEW, cpm=IDLE.but(broken=always(0.0011))),
    quiet("idle, not for fifteen minutes", queue=spell(9, 14.5, 50), cpm=IDLE),
    fires("nothing is heard of a service", ("FiguresMissing", "im", "high"), im=CALM.but(seen=False)),
)


def document(case: Case, rules: Path) -> str:
    """The test in promtool's own form."""
    told = [
        {"series": name, "values": values}
        for workload in WORKLOADS
        for name, values in series(workload, case.services.get(workload.name, CALM), case.queue)
    ]
    expected = [
        {"labels": f'{{alertname="{name}",service="{about}",severity="{severity}"}}', "value": 1}
        for name, about, severity in sorted(case.firing)
    ]
    checks = [{"expr": FIRING, "eval_time": f"{minute}m", "exp_samples": expected} for minute in case.minutes]
    test = {"interval": f"{INTERVAL_SECONDS}s", "input_series": told, "promql_expr_test": checks}
    return yaml.safe_dump(
        {"rule_files": [str(rules)], "evaluation_interval": f"{INTERVAL_SECONDS}s", "tests": [test]}, width=10**6
    )


@pytest.mark.requirement("K19")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_exactly_the_alerts_that_should_go_off_do(
    case: Case, promtool: Promtool, rules_of: Callable[[str], Path], tmp_path: Path
) -> None:
    file = tmp_path / "test.yaml"
    file.write_text(document(case, rules_of("prod")))
    code, said = promtool("test", "rules", file)
    assert code == 0, said


@pytest.mark.requirement("K19")
@pytest.mark.parametrize("stack", STACKS)
def test_promtool_finds_nothing_wrong_with_the_rules(
    stack: str, promtool: Promtool, rules_of: Callable[[str], Path]
) -> None:
    code, said = promtool("check", "rules", "--lint=all", "--lint-fatal", rules_of(stack))
    assert code == 0, said


def test_promtool_notices_a_rule_that_is_wrong(promtool: Promtool, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(yaml.safe_dump({"groups": [{"name": "one", "rules": [{"alert": "A", "expr": "sum by ("}]}]}))
    assert promtool("check", "rules", wrong)[0] != 0
