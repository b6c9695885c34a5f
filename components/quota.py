"""Resource quota of a namespace: room for every workload at its maximum and a rollout on top, and no more."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core

from components.labels import metadata
from stacks.specs.placement import GPU_RESOURCE
from stacks.specs.resources import Totals

COMPONENT = "quota"


@dataclass(frozen=True)
class QuotaArgs:
    """Arguments of Quota.

    namespace: Kubernetes namespace of the objects.
    product: product in the recommended labels (K01).
    room: upper limit of the whole namespace.
    name: name of its objects; of several in one namespace each one holds.
    """

    namespace: str
    product: str
    room: Totals
    name: str = "all"


class Quota(pulumi.ComponentResource):
    """A ResourceQuota, and defaults for a container that says nothing, which would otherwise count as refused."""

    def __init__(self, name: str, args: QuotaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:kubernetes:Quota", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        room = args.room
        named = metadata(COMPONENT, args.product, args.namespace, args.name)
        core.v1.ResourceQuota(
            f"{name}-quota",
            metadata=named,
            spec=core.v1.ResourceQuotaSpecArgs(
                hard={
                    "pods": str(room.pods),
                    "requests.cpu": f"{room.cpu_requests}m",
                    "limits.cpu": f"{room.cpu_limits}m",
                    "requests.memory": f"{room.memory_requests}Mi",
                    "limits.memory": f"{room.memory_limits}Mi",
                    "requests.storage": f"{room.storage_gb}Gi",
                    "services.loadbalancers": "0",
                    "services.nodeports": "0",
                    **({f"requests.{GPU_RESOURCE}": str(room.gpus)} if room.gpus else {}),
                }
            ),
            opts=child,
        )
        core.v1.LimitRange(
            f"{name}-defaults",
            metadata=named,
            spec=core.v1.LimitRangeSpecArgs(
                limits=[
                    core.v1.LimitRangeItemArgs(
                        type="Container",
                        default={"cpu": "500m", "memory": "256Mi"},
                        default_request={"cpu": "100m", "memory": "128Mi"},
                    )
                ]
            ),
            opts=child,
        )
        self.register_outputs({})
