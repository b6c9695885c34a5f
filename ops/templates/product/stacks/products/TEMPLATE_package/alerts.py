"""Alert rules of TEMPLATE_name: those of every service, whose runbooks are written. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from stacks.monitoring.alert_context import AlertContext
from stacks.monitoring.store_alerts import store_alerts
from stacks.monitoring.upkeep_alerts import background_tasks
from stacks.monitoring.workload_alerts import answers, capacity, figures
from stacks.specs.alert import AlertRule


def alerts(context: AlertContext) -> Mapping[str, tuple[AlertRule, ...]]:
    """Every rule of a region, by group."""
    stores = tuple(store_alerts(context))
    return {
        "answers": tuple(answers(context)),
        "capacity": tuple(capacity(context)),
        "figures": tuple(figures(context)),
        "upkeep": tuple(background_tasks(context)),
        **({"stores": stores} if stores else {}),
    }
