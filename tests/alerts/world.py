"""A cluster's figures over half an hour, as Prometheus has them: the service's own, with the labels of its pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from app.telemetry.metrics import BUCKETS
from components.pod_monitor import INTERVAL_SECONDS
from stacks.products.content_generation.blueprint import BLUEPRINT
from stacks.specs.resources import mebibytes, millicores
from stacks.specs.workload import Workload

MINUTES: Final = 40
STEPS: Final = MINUTES * 60 // INTERVAL_SECONDS
ANSWERS_A_STEP: Final = 1000

Course = tuple[tuple[float, float], ...]
"""From which minute on a value is which."""


def always(value: float) -> Course:
    return ((0, value),)


def spell(value: float, minutes: float, otherwise: float) -> Course:
    """The value from the fifth minute on for so many minutes, and the other one before and after."""
    return ((0, otherwise), (5, value), (5 + minutes, otherwise))


FIFTY: Final = always(50)
SIXTY: Final = always(60)
NEXT_TO_NONE: Final = always(0.002)


@dataclass(frozen=True)
class Service:
    """State of one service. CPU and memory are per cent of what an instance requests, ``broken`` and the values of
    ``slower`` are shares of all answers: those with status 500, and those that took more than so many seconds.
    """

    instances: int = 2
    cpu: Course = FIFTY
    memory: Course = SIXTY
    broken: Course = NEXT_TO_NONE
    slower: Mapping[float, Course] = field(
        default_factory=lambda: MappingProxyType({0.5: always(0.1), 1: always(0), 2: always(0)})
    )
    probes_fail: bool = False
    seen: bool = True

    def but(self, **changes: object) -> Service:
        return replace(self, **changes)  # type: ignore[arg-type]

    def slow(self, bound: float, course: Course) -> Service:
        """Answers that took longer than a bound took longer than the smaller ones too."""
        return self.but(slower={one: course if one <= bound else own for one, own in self.slower.items()})


def series(workload: Workload, service: Service, queue: Course) -> Iterator[tuple[str, str]]:
    """Each series of a service with its values. The queue is told by the first worker alone, as if it were elected."""
    if not service.seen:
        return
    core_percent = millicores(workload.cpu_request) / 1000
    for number in range(service.instances):
        own = {
            "namespace": BLUEPRINT.namespace,
            "pod": f"{workload.name}-{number}",
            "container": workload.name,
            "job": f"{BLUEPRINT.namespace}/metrics",
            "instance": f"10.0.0.{number}:{workload.port}",
            "app_kubernetes_io_name": workload.name,
        }
        yield _named("cpu_usage_percent", own), _values(service.cpu, core_percent)
        yield (
            _named("memory_usage_bytes", own),
            _values(service.memory, mebibytes(workload.memory_request) * 2**20 / 100),
        )
        elected = workload.queue is not None and number == 0
        yield _named("queue_size", own), _values(queue if elected else always(0))
        yield from _answers(own, service)


def _answers(own: Mapping[str, str], service: Service) -> Iterator[tuple[str, str]]:
    asked = {**own, "method": "POST", "endpoint": "/generate"}
    well = tuple((minute, 1 - share) for minute, share in service.broken)
    yield _named("http_requests_total", {**asked, "status": "202"}), _count(well)
    yield _named("http_requests_total", {**asked, "status": "500"}), _count(service.broken)
    for bound in (*BUCKETS, float("inf")):
        label = "+Inf" if bound == float("inf") else str(bound)
        bucket = {**asked, "le": label}
        yield _named("http_request_duration_seconds_bucket", bucket), _count(_within(bound, service.slower))
    probe = {**own, "method": "GET", "endpoint": "/health"}
    yield _named("http_requests_total", {**probe, "status": "503"}), _count(always(10 if service.probes_fail else 0))


def _within(bound: float, slower: Mapping[float, Course]) -> Course:
    """The share of answers that took at most so long: half of them next to nothing, the slowest ones some seconds."""
    if bound >= 5:
        return always(1)
    known = [one for one in slower if one <= bound]
    return tuple((minute, 1 - share) for minute, share in slower[max(known)]) if known else always(0.5)


def _named(metric: str, labels: Mapping[str, str]) -> str:
    matchers = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{metric}{{{matchers}}}"


def _at(course: Course, step: int) -> float:
    minute = step * INTERVAL_SECONDS / 60
    return [value for since, value in course if since <= minute][-1]


def _values(course: Course, scale: float = 1) -> str:
    return " ".join(f"{_at(course, step) * scale:.10g}" for step in range(STEPS + 1))


def _count(course: Course) -> str:
    total, found = 0.0, []
    for step in range(STEPS + 1):
        total += _at(course, step) * ANSWERS_A_STEP
        found.append(f"{total:.10g}")
    return " ".join(found)
