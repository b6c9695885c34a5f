"""The autoscaler of a Deployment that works off a queue, by KEDA (requirements K09, K10)."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template
from typing import Final

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.activity_trigger import activity_trigger
from components.database_access import KEDA_API, database_access
from components.labels import metadata
from stacks.specs.idling import IDLE_INSTANCES, Idling

POLL_SECONDS: Final = 15
NEEDED_JOBS: Final = Template("""
    SELECT CASE WHEN jobs < $fewer THEN 0 ELSE greatest(jobs, $more * workers) END
    FROM (SELECT count(*) AS jobs FROM pgqueuer
          WHERE status = 'queued' AND execute_after <= now() $queue) AS waiting,
         (SELECT count(*) / $listening AS workers FROM pg_stat_activity
          WHERE application_name = '$worker' AND datname = current_database()) AS running
""")
LISTENING: Final = 2
"""Connections to the database that a worker has under the name ``<component>-queue``: one listens, one takes jobs."""


@dataclass(frozen=True)
class QueueScalerArgs:
    """Arguments of QueueScaler.

    namespace: Kubernetes namespace of the objects.
    product: product in the recommended labels (K01).
    component: name of the Deployment.
    minimum: least number of instances.
    maximum: largest number of instances.
    more_above: waiting jobs for each further instance.
    fewer_below: waiting jobs below which the Deployment returns to its minimum.
    idle_seconds: time for which fewer must wait before an instance is taken away.
    queue: name of the queue; None where the database has only one.
    idling: rule by which the minimum is kept (K10); None keeps it always.
    secret: Secret with the database's address.
    address_key: key of the address in the Secret.
    """

    namespace: str
    product: str
    component: str
    minimum: int
    maximum: int
    more_above: int
    fewer_below: int
    idle_seconds: int
    secret: pulumi.Input[str]
    address_key: str
    queue: str | None = None
    idling: Idling | None = None

    @property
    def least(self) -> int:
        """Least number of instances at any time."""
        return self.minimum if self.idling is None else IDLE_INSTANCES


class QueueScaler(pulumi.ComponentResource):
    """Owns the replica count of a worker Deployment; it must be the only autoscaler there is for it."""

    def __init__(self, name: str, args: QueueScalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:kubernetes:QueueScaler", name, None, opts)
        named = metadata(args.component, args.product, args.namespace, f"{args.component}-queue")
        child = pulumi.ResourceOptions(parent=self)
        access = database_access(f"{name}-access", named, args.secret, args.address_key, child)
        CustomResource(
            f"{name}-scaler",
            api_version=KEDA_API,
            kind="ScaledObject",
            metadata=metadata(args.component, args.product, args.namespace, args.component),
            spec={
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": args.component},
                "minReplicaCount": args.least,
                "maxReplicaCount": args.maximum,
                "pollingInterval": POLL_SECONDS,
                "cooldownPeriod": args.idle_seconds,
                "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behaviour(args)}},
                "triggers": _triggers(args),
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[access]),
        )
        self.register_outputs({"minimum": args.least, "maximum": args.maximum})


def needed_jobs(args: QueueScalerArgs) -> str:
    """SQL of the metric, of which every ``more_above`` need an instance: the jobs that wait, or, from ``fewer_below``
    on, as many as keep the instances there are. KEDA's own lower threshold acts between none and one instance alone
    (KEDA documentation, "Activating and Scaling thresholds").
    """
    return " ".join(
        NEEDED_JOBS.substitute(
            queue=f"AND entrypoint = '{args.queue}'" if args.queue else "",
            worker=f"{args.component}-queue",
            listening=LISTENING,
            more=args.more_above,
            fewer=args.fewer_below,
        ).split()
    )


def behaviour(args: QueueScalerArgs) -> dict[str, object]:
    """Up at once, down only when the queue stayed short for the idle time."""
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": POLL_SECONDS}],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": args.idle_seconds,
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
        },
    }


def _triggers(args: QueueScalerArgs) -> list[dict[str, object]]:
    access = f"{args.component}-queue"
    kept = [] if args.idling is None else [activity_trigger(args.idling, args.minimum, access)]
    return [_trigger(args, access), *kept]


def _trigger(args: QueueScalerArgs, access: str) -> dict[str, object]:
    return {
        "type": "postgresql",
        "metricType": "AverageValue",
        "metadata": {
            "query": needed_jobs(args),
            "targetQueryValue": str(args.more_above),
        },
        "authenticationRef": {"name": access},
    }
