"""KEDA's trigger that keeps a workload's instances while requests come (requirement K10)."""

from __future__ import annotations

from string import Template
from typing import Final

from stacks.specs.idling import IDLE_INSTANCES, Idling

USED_INSTANCES: Final = Template("""
    SELECT CASE WHEN EXISTS (
        SELECT FROM activity WHERE asked_at > now() - interval '$seconds seconds' $service
    ) THEN $used ELSE $idle END
""")


def used_instances(idling: Idling, instances: int) -> str:
    """SQL of the metric: the number of instances that a workload of so many ``instances`` needs now. A query that fails
    takes none away: Kubernetes scales nothing down while one of its metrics is missing.
    """
    return " ".join(
        USED_INSTANCES.substitute(
            seconds=idling.asked_seconds,
            service=f"AND service = '{idling.service}'" if idling.service else "",
            used=instances,
            idle=IDLE_INSTANCES,
        ).split()
    )


def activity_trigger(idling: Idling, instances: int, access: str) -> dict[str, object]:
    """The trigger, by the TriggerAuthentication ``access``."""
    return {
        "type": "postgresql",
        "metricType": "AverageValue",
        "metadata": {"query": used_instances(idling, instances), "targetQueryValue": "1"},
        "authenticationRef": {"name": access},
    }
