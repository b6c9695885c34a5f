"""Alerts of a product whose workers write texts: document A's four (O01, O09), what texts cost (M02), and containers
that do not stay up (A05). Pure.

Each side of a share is added up before it is divided: the document divides series by series, which finds no partner for
a status or a database and so never fires.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from infra.catalog.units import MEBIBYTE
from stacks.monitoring.alert_context import AlertContext
from stacks.monitoring.promql import WINDOW, Queries
from stacks.monitoring.runbooks import runbook
from stacks.monitoring.store_alerts import store_alerts
from stacks.monitoring.upkeep_alerts import background_tasks, stray_jobs
from stacks.monitoring.workload_alerts import answers, capacity, figures
from stacks.specs.alert import AlertRule, Severity
from stacks.specs.resources import mebibytes
from stacks.specs.workload import Workload

ERRORS_A_SECOND: Final = 0.1
LEAST_SUCCESS: Final = 0.9
MOST_MEMORY_BYTES: Final = 1_500_000_000
MOST_MEMORY_SHARE: Final = 0.85
MOST_CONNECTIONS: Final = 0.9
DAY_USD: Final = 50
RESTARTS: Final = 3
RESTARTS_MINUTES: Final = 30
_MINUTES: Final = 60


def alerts(context: AlertContext) -> Mapping[str, tuple[AlertRule, ...]]:
    """Every rule of a region, by group."""
    stores = tuple(store_alerts(context))
    return {
        "answers": tuple(answers(context)),
        "capacity": tuple(capacity(context)),
        "figures": tuple(figures(context)),
        "content": tuple(content_alerts(context)),
        "upkeep": (*background_tasks(context), stray_jobs(context)),
        **({"stores": stores} if stores else {}),
    }


def content_alerts(context: AlertContext) -> Iterator[AlertRule]:
    """Document A's own alerts, of which those on jobs are of who listens to the queue, and the restarts of any
    container.
    """
    for workload in context.workloads:
        yield _memory(context.queries, workload)
        if workload.direct:
            yield _errors(context.queries, workload)
            yield _success(context.queries, workload)
    yield _connections(context.queries)
    yield from _costs(context.queries, context.month_usd)
    yield _restarts(context.queries)


def _errors(queries: Queries, workload: Workload) -> AlertRule:
    """Attempts, not jobs: im counts the same failures by provider, so only the workers' are added up."""
    attempts = f"sum by (namespace) (rate({queries.series('content_errors_total', workload)}[{WINDOW}]))"
    return _rule(
        "HighErrorRate",
        workload.name,
        f"{attempts} > {ERRORS_A_SECOND:g}",
        5 * _MINUTES,
        Severity.WARNING,
        f"more than {ERRORS_A_SECOND:g} attempts a second fail",
        "{{ $value | humanize }} failed attempts a second.",
    )


def _success(queries: Queries, workload: Workload) -> AlertRule:
    """A status that was never counted has no series, and all the jobs that there are may have failed."""
    ended = f"sum by (namespace) (rate({queries.series('content_requests_total', workload)}[{WINDOW}]))"
    good = queries.series("content_requests_total", workload, 'status="success"')
    well = f"(sum by (namespace) (rate({good}[{WINDOW}])) or 0 * {ended})"
    return _rule(
        "LowSuccessRate",
        workload.name,
        f"{well} / ({ended} > 0) < {LEAST_SUCCESS:g}",
        10 * _MINUTES,
        Severity.CRITICAL,
        f"fewer than {100 * LEAST_SUCCESS:g} % of finished jobs succeed",
        "{{ $value | humanizePercentage }} of the finished jobs succeeded.",
    )


def _memory(queries: Queries, workload: Workload) -> AlertRule:
    """Document A's 1.5 GB are more than most instances may have, so the limit's share comes first."""
    limit = mebibytes(workload.resources.memory_limit) * MEBIBYTE
    most = min(MOST_MEMORY_BYTES, int(MOST_MEMORY_SHARE * limit))
    return _rule(
        "HighMemoryUsage",
        workload.name,
        f"max by (namespace) ({queries.series('memory_usage_bytes', workload)}) > {most}",
        5 * _MINUTES,
        Severity.WARNING,
        f"an instance of {workload.name} is close to its memory limit",
        f"{{{{ $value | humanize1024 }}}}B are resident; the limit is {workload.resources.memory_limit}.",
    )


def _connections(queries: Queries) -> AlertRule:
    share = f"{queries.connections()} / ({queries.elected('pg_settings_max_connections')} > 0)"
    return _rule(
        "DatabaseConnectionPoolExhausted",
        "postgres",
        f"{share} > {MOST_CONNECTIONS:g}",
        5 * _MINUTES,
        Severity.CRITICAL,
        f"more than {100 * MOST_CONNECTIONS:g} % of the database's connections are in use",
        "{{ $value | humanizePercentage }} of max_connections are in use.",
    )


def _costs(queries: Queries, month_usd: int) -> Iterator[AlertRule]:
    yield _rule(
        "CostOverrun",
        "costs",
        f"{queries.elected('content_cost_today_usd')} > {DAY_USD}",
        0,
        Severity.WARNING,
        f"today's language model and request cost is above {DAY_USD} USD",
        "{{ $value | humanize }} USD for language models and requests since midnight UTC.",
    )
    yield _rule(
        "MonthCostHigh",
        "costs",
        f"{queries.elected('content_cost_month_usd')} > {month_usd}",
        0,
        Severity.HIGH,
        f"this month's language model cost is above {month_usd} USD",
        "{{ $value | humanize }} USD for language models since the first of the month; AWS budgets do not include it.",
    )


def _restarts(queries: Queries) -> AlertRule:
    """Restarts as kube-state-metrics counts them. The count of a container only grows, so the difference is exact where
    ``increase`` is an estimate.
    """
    told = f"kube_pod_container_status_restarts_total{{{queries.matcher}}}"
    window = f"[{RESTARTS_MINUTES}m]"
    grown = f"max_over_time({told}{window}) - min_over_time({told}{window})"
    return _rule(
        "RestartingAgainAndAgain",
        "pods",
        f"max by (namespace, container) ({grown}) >= {RESTARTS}",
        0,
        Severity.HIGH,
        f"a container was restarted {RESTARTS} times within {RESTARTS_MINUTES} min",
        f"{{{{ $labels.container }}}} was restarted {{{{ $value }}}} times within {RESTARTS_MINUTES} min.",
    )


def _rule(
    name: str, about: str, expression: str, seconds: int, severity: Severity, summary: str, description: str
) -> AlertRule:
    return AlertRule(
        name=name,
        about=about,
        expression=expression,
        for_seconds=seconds,
        severity=severity,
        summary=summary,
        description=description,
        runbook=runbook("content", name),
    )
