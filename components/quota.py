"""What a namespace may use in all: room for every workload at its maximum and a rollout on top, and no more."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core

from components.labels import metadata

COMPONENT = "quota"


@dataclass(frozen=True)
class QuotaArgs:
    """Totals of the namespace: ``cpu_*`` in thousandths of a core, ``memory_*`` in MiB, ``storage_gb`` of volumes."""

    namespace: str
    product: str
    pods: int
    cpu_requests: int
    cpu_limits: int
    memory_requests: int
    memory_limits: int
    storage_gb: int


class Quota(pulumi.ComponentResource):
    """A ResourceQuota, and defaults for a container that says nothing, which would otherwise count as refused."""

    def __init__(self, name: str, args: QuotaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:kubernetes:Quota", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        named = metadata(COMPONENT, args.product, args.namespace, "all")
        core.v1.ResourceQuota(
            f"{name}-quota",
            metadata=named,
            spec=core.v1.ResourceQuotaSpecArgs(
                hard={
                    "pods": str(args.pods),
                    "requests.cpu": f"{args.cpu_requests}m",
                    "limits.cpu": f"{args.cpu_limits}m",
                    "requests.memory": f"{args.memory_requests}Mi",
                    "limits.memory": f"{args.memory_limits}Mi",
                    "requests.storage": f"{args.storage_gb}Gi",
                    "services.loadbalancers": "0",
                    "services.nodeports": "0",
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
