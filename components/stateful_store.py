"""Base of Postgres and Redis in the cluster: one pod with its own volume, an address, a network policy."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import apps, core, meta, networking

from components.hardening import pod_security
from components.labels import labels, metadata, selector
from components.network_policy import policy_spec
from stacks.specs.network import Traffic


@dataclass(frozen=True)
class StatefulStoreArgs:
    """Arguments of StatefulStore.

    namespace: Kubernetes namespace of the objects.
    product: product in the recommended labels (K01).
    component: name of the StatefulSet, the Service and their label.
    port: port of the server.
    uid: user and group that the server runs as.
    storage: size of the volume, such as 20Gi.
    container: the server, which mounts the volume ``data``.
    volumes: its other volumes.
    traffic: peers that the pods may talk to, for their network policy (K11).
    grace_seconds: time from SIGTERM to SIGKILL.
    protect: refuse to delete the volume.
    """

    namespace: str
    product: str
    component: str
    port: int
    uid: int
    storage: str
    container: core.v1.ContainerArgs
    volumes: tuple[core.v1.VolumeArgs, ...]
    traffic: Traffic
    grace_seconds: int
    protect: bool


class StatefulStore(pulumi.ComponentResource):
    """A StatefulSet of one, its headless Service and its network policy. ``host`` is a plain value at preview."""

    host: str

    def __init__(self, name: str, args: StatefulStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:data:StatefulStore", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        named = metadata(args.component, args.product, args.namespace, args.component)
        networking.v1.NetworkPolicy(
            f"{name}-traffic", metadata=named, spec=policy_spec(args.component, args.traffic), opts=child
        )
        core.v1.Service(
            f"{name}-service",
            metadata=named,
            spec=core.v1.ServiceSpecArgs(
                cluster_ip="None",
                selector=selector(args.component),
                ports=[core.v1.ServicePortArgs(name="server", port=args.port, target_port=args.port)],
            ),
            opts=child,
        )
        apps.v1.StatefulSet(
            f"{name}-server",
            metadata=named,
            spec=_stateful_set(args),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.host = args.component
        self.register_outputs({"host": self.host, "port": args.port})


def _stateful_set(args: StatefulStoreArgs) -> apps.v1.StatefulSetSpecArgs:
    claim = core.v1.PersistentVolumeClaimArgs(
        metadata=meta.v1.ObjectMetaArgs(name="data", labels=selector(args.component)),
        spec=core.v1.PersistentVolumeClaimSpecArgs(
            access_modes=["ReadWriteOnce"],
            resources=core.v1.VolumeResourceRequirementsArgs(requests={"storage": args.storage}),
        ),
    )
    return apps.v1.StatefulSetSpecArgs(
        replicas=1,
        service_name=args.component,
        selector=meta.v1.LabelSelectorArgs(match_labels=selector(args.component)),
        template=core.v1.PodTemplateSpecArgs(
            metadata=meta.v1.ObjectMetaArgs(labels=labels(args.component, args.product)),
            spec=core.v1.PodSpecArgs(
                automount_service_account_token=False,
                enable_service_links=False,
                security_context=pod_security(args.uid),
                termination_grace_period_seconds=args.grace_seconds,
                containers=[args.container],
                volumes=list(args.volumes),
            ),
        ),
        volume_claim_templates=[claim],
    )
