"""PromQL expressions for the subject of each scale trigger, over the service's own metrics. Pure.

Every expression gives one value by namespace. A service is known by its pods' name label, which Prometheus hands on
from the pod as components.pod_monitor asks it to.
"""

from __future__ import annotations

from typing import Final

from components.amount import mebibytes, millicores
from components.generation_service import METRICS_PATH
from components.pod_monitor import NAME_LABEL
from infra.limits import MEBIBYTE
from infra.paths import UNLIMITED_PATHS
from stacks.triggers import Direction, Subject, Trigger
from stacks.workload import NAMESPACE, WorkloadSpec

WINDOW: Final = "5m"
"""Over which rates and uneven figures are averaged: ten readings."""
QUANTILE: Final = 0.95
HANDOVER: Final = "1m"
"""Two scrape intervals: between two elected processes one scrape may have no sample."""

NAMESPACE_MATCHER: Final = f'namespace="{NAMESPACE}"'

_OTHER_SIDE: Final = {Direction.ABOVE: "<=", Direction.BELOW: ">="}


def met(trigger: Trigger, workload: WorkloadSpec) -> str:
    """PromQL that returns a sample while the trigger's condition is true (no sample if it is false or without data)."""
    return f"{measured(trigger.subject, workload)} {trigger.direction} {trigger.threshold:g}"


def unmet(trigger: Trigger, workload: WorkloadSpec) -> str:
    """PromQL that returns a sample while the trigger's condition is false (no sample without data, such as without a
    request).
    """
    return f"{measured(trigger.subject, workload)} {_OTHER_SIDE[trigger.direction]} {trigger.threshold:g}"


def measured(subject: Subject, workload: WorkloadSpec) -> str:
    """The subject in its own unit."""
    match subject:
        case Subject.CPU:
            # The figure is per cent of one core.
            percent = millicores(workload.cpu_request) / 10
            used = f"avg_over_time({series('cpu_usage_percent', workload)}[{WINDOW}])"
            return f"100 * avg by (namespace) ({used}) / {percent:g}"
        case Subject.MEMORY:
            amount = mebibytes(workload.memory_request) * MEBIBYTE
            return f"100 * avg by (namespace) ({series('memory_usage_bytes', workload)}) / {amount}"
        case Subject.QUEUE:
            return elected("queue_size")
        case Subject.LATENCY:
            buckets = rate("http_request_duration_seconds_bucket", workload)
            return f"histogram_quantile({QUANTILE}, sum by (namespace, le) ({buckets}))"
        case Subject.ERRORS:
            broken = rate("http_requests_total", workload, 'status=~"5.."')
            return f"100 * sum by (namespace) ({broken}) / sum by (namespace) ({rate('http_requests_total', workload)})"


def instances(workload: WorkloadSpec) -> str:
    """PromQL for the number of instances that are scraped, each once even where pods are read by annotations too."""
    return f"count by (namespace) (count by (namespace, pod) ({series('memory_usage_bytes', workload)}))"


def elected(metric: str, *matchers: str, over: str = HANDOVER) -> str:
    """A figure of the whole region. One elected process reads it and every other shows 0 (app/telemetry/figures.py), so
    it is the largest; over a window, because a rule would begin to wait anew when another process is elected.
    """
    own = ",".join((NAMESPACE_MATCHER, *matchers))
    return f"max by (namespace) (max_over_time({metric}{{{own}}}[{over}]))"


def connections() -> str:
    """PromQL for the connections to all databases of a region's server, exported by the one elected process (see
    ``elected``).
    """
    told = f"pg_stat_database_numbackends{{{NAMESPACE_MATCHER}}}"
    return f"sum by (namespace) (max by (namespace, datname) (max_over_time({told}[{HANDOVER}])))"


def series(metric: str, workload: WorkloadSpec, *matchers: str) -> str:
    own = (NAMESPACE_MATCHER, f'{NAME_LABEL}="{workload.name}"')
    return f"{metric}{{{','.join((*own, *matchers))}}}"


def rate(metric: str, workload: WorkloadSpec, *matchers: str) -> str:
    """A second, of what clients ask: machines ask for signs of life often and are answered quickly."""
    asked = "|".join(f"{path}.*" if path.endswith("/") else path for path in (*UNLIMITED_PATHS, METRICS_PATH))
    people = f'endpoint!~"{asked}"'
    return f"rate({series(metric, workload, *matchers, people)}[{WINDOW}])"
