"""The autoscaler of a Deployment that goes to one instance without requests, by KEDA (requirement K10)."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.activity_trigger import activity_trigger
from components.autoscaler import AutoscalerArgs, behaviour
from components.database_access import KEDA_API, database_access
from components.labels import metadata
from components.queue_scaler import POLL_SECONDS
from stacks.specs.idling import IDLE_INSTANCES, Idling


@dataclass(frozen=True)
class IdleScalerArgs:
    """Arguments of IdleScaler.

    scaling: autoscaler that the Deployment has while it is in use.
    idling: rule by which it is in use.
    secret: Secret with the database's address.
    address_key: key of the address in the Secret.
    """

    scaling: AutoscalerArgs
    idling: Idling
    secret: pulumi.Input[str]
    address_key: str


class IdleScaler(pulumi.ComponentResource):
    """Owns the replica count of a Deployment in place of an Autoscaler: KEDA makes the HorizontalPodAutoscaler, with
    the same targets and pace, and a metric more, which wants the minimum while requests come.
    """

    def __init__(self, name: str, args: IdleScalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:kubernetes:IdleScaler", name, None, opts)
        scaling, own = args.scaling, f"{args.scaling.component}-activity"
        named = metadata(scaling.component, scaling.product, scaling.namespace, own)
        child = pulumi.ResourceOptions(parent=self)
        access = database_access(f"{name}-access", named, args.secret, args.address_key, child)
        CustomResource(
            f"{name}-scaler",
            api_version=KEDA_API,
            kind="ScaledObject",
            metadata=metadata(scaling.component, scaling.product, scaling.namespace, scaling.component),
            spec={
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": scaling.component},
                "minReplicaCount": IDLE_INSTANCES,
                "maxReplicaCount": scaling.maximum,
                "pollingInterval": POLL_SECONDS,
                "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behaviour(scaling.behaviour)}},
                "triggers": [
                    _utilization("cpu", scaling.cpu_percent),
                    _utilization("memory", scaling.memory_percent),
                    activity_trigger(args.idling, scaling.minimum, own),
                ],
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[access]),
        )
        self.register_outputs({"minimum": IDLE_INSTANCES, "maximum": scaling.maximum})


def _utilization(resource: str, percent: int) -> dict[str, object]:
    return {"type": resource, "metricType": "Utilization", "metadata": {"value": str(percent)}}
