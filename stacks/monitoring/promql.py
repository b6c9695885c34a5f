"""PromQL expressions for the subject of each scale trigger, over the service's own metrics. Pure.

Every expression gives one value by namespace. A service is known by its pods' name label, which Prometheus hands on
from the pod as components.pod_monitor asks it to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from infra.catalog.units import MEBIBYTE
from stacks.specs.alert import NAME_LABEL
from stacks.specs.paths import METRICS_PATH, UNLIMITED_PATHS
from stacks.specs.resources import mebibytes, millicores
from stacks.specs.scale_triggers import Direction, Subject, Trigger
from stacks.specs.workload import Workload

WINDOW: Final = "5m"
"""Over which rates and uneven figures are averaged: ten readings."""
QUANTILE: Final = 0.95
HANDOVER: Final = "1m"
"""Two scrape intervals: between two elected processes one scrape may have no sample."""

_OTHER_SIDE: Final = {Direction.ABOVE: "<=", Direction.BELOW: ">="}


@dataclass(frozen=True)
class Queries:
    """PromQL of one namespace.

    namespace: Kubernetes namespace of the pods.
    """

    namespace: str

    @property
    def matcher(self) -> str:
        """Label matcher of the namespace."""
        return f'namespace="{self.namespace}"'

    def met(self, trigger: Trigger, workload: Workload) -> str:
        """PromQL that returns a sample while the trigger's condition is true; none without data."""
        return f"{self.measured(trigger.subject, workload)} {trigger.direction} {trigger.threshold:g}"

    def unmet(self, trigger: Trigger, workload: Workload) -> str:
        """PromQL that returns a sample while the trigger's condition is false, and none without data, such as without a
        request.
        """
        return f"{self.measured(trigger.subject, workload)} {_OTHER_SIDE[trigger.direction]} {trigger.threshold:g}"

    def measured(self, subject: Subject, workload: Workload) -> str:
        """The subject in its own unit."""
        match subject:
            case Subject.CPU:
                # The figure is per cent of one core.
                percent = millicores(workload.cpu_request) / 10
                used = f"avg_over_time({self.series('cpu_usage_percent', workload)}[{WINDOW}])"
                return f"100 * avg by (namespace) ({used}) / {percent:g}"
            case Subject.MEMORY:
                amount = mebibytes(workload.memory_request) * MEBIBYTE
                return f"100 * avg by (namespace) ({self.series('memory_usage_bytes', workload)}) / {amount}"
            case Subject.QUEUE:
                return self.elected("queue_size")
            case Subject.LATENCY:
                buckets = self.rate("http_request_duration_seconds_bucket", workload)
                return f"histogram_quantile({QUANTILE}, sum by (namespace, le) ({buckets}))"
            case Subject.ERRORS:
                failed = self.rate("http_requests_total", workload, 'status=~"5.."')
                every = self.rate("http_requests_total", workload)
                return f"100 * sum by (namespace) ({failed}) / sum by (namespace) ({every})"

    def instances(self, workload: Workload) -> str:
        """PromQL for the number of instances that are scraped, each once even where annotations too are read."""
        return f"count by (namespace) (count by (namespace, pod) ({self.series('memory_usage_bytes', workload)}))"

    def elected(self, metric: str, *matchers: str, over: str = HANDOVER) -> str:
        """A figure of the whole region. One elected process reads it, all others show 0 (app/telemetry/figures.py), so
        it is the largest; over a window, because a rule would begin to wait anew when another process is elected.
        """
        own = ",".join((self.matcher, *matchers))
        return f"max by (namespace) (max_over_time({metric}{{{own}}}[{over}]))"

    def connections(self) -> str:
        """PromQL for the connections to all databases of a region's server, exported by the one elected process (see
        ``elected``).
        """
        told = f"pg_stat_database_numbackends{{{self.matcher}}}"
        return f"sum by (namespace) (max by (namespace, datname) (max_over_time({told}[{HANDOVER}])))"

    def series(self, metric: str, workload: Workload, *matchers: str) -> str:
        own = (self.matcher, f'{NAME_LABEL}="{workload.name}"')
        return f"{metric}{{{','.join((*own, *matchers))}}}"

    def rate(self, metric: str, workload: Workload, *matchers: str) -> str:
        """A second, of what clients ask: machines ask for signs of life often and are answered quickly."""
        asked = "|".join(f"{path}.*" if path.endswith("/") else path for path in (*UNLIMITED_PATHS, METRICS_PATH))
        people = f'endpoint!~"{asked}"'
        return f"rate({self.series(metric, workload, *matchers, people)}[{WINDOW}])"
