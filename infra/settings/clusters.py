"""Settings of the clusters that a stack goes to: how each is reached, and the names of what runs in it. No I/O."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from infra.settings.value_types import (
    OBJECT_NAME,
    OIDC_PROVIDER_PATTERN,
    SECURITY_GROUP_PATTERN,
    SUBNET_PATTERN,
    VPC_PATTERN,
    KubeContext,
    Model,
)


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError as error:
        raise ValueError(f"must be an address or a network such as 203.0.113.0/24: {error}") from None
    return text


Network = Annotated[str, AfterValidator(_network)]


class ClusterSettings(Model):
    """Access to a region's Kubernetes cluster for a real deployment; the local target brings its own."""

    context: KubeContext | None = Field(None, description="context of the kubeconfig")
    vpc_id: str | None = Field(None, pattern=VPC_PATTERN, description="network the managed data stores join")
    subnet_ids: tuple[Annotated[str, StringConstraints(pattern=SUBNET_PATTERN)], ...] = Field(
        (), strict=False, description="private subnets for the managed data stores, two or more in different zones"
    )
    client_security_group_id: str | None = Field(
        None,
        pattern=SECURITY_GROUP_PATTERN,
        description="security group of the nodes or pods, which managed stores admit",
    )
    pod_ranges: tuple[Network, ...] = Field(
        (),
        strict=False,
        description="address ranges of the pods: forwarded client addresses are trusted only from there",
    )
    data_ranges: tuple[Network, ...] = Field(
        (), strict=False, description="address ranges of subnet_ids, which pods may call for managed stores"
    )
    oidc_provider: str | None = Field(
        None,
        pattern=OIDC_PROVIDER_PATTERN,
        description="the cluster's identity provider in IAM; backups and certificates get their AWS roles by it",
    )


class ControllerSettings(Model):
    """Names of the controllers that the clusters bring, the same in every region (docs/clusters.md)."""

    gateway_class: str = Field("envoy-gateway", pattern=OBJECT_NAME, description="GatewayClass of Envoy Gateway")
    gateway: str = Field("envoy-gateway-system", pattern=OBJECT_NAME, description="namespace of Envoy Gateway")
    ingress: str = Field("ingress-nginx", pattern=OBJECT_NAME, description="namespace of ingress-nginx")
    monitoring: str = Field("monitoring", pattern=OBJECT_NAME, description="namespace of Prometheus")
    scaler: str = Field("keda", pattern=OBJECT_NAME, description="namespace of KEDA")
    certificates: str = Field("cert-manager", pattern=OBJECT_NAME, description="namespace of cert-manager")
    issuer_account: str = Field("cert-manager", pattern=OBJECT_NAME, description="service account of cert-manager")
    dns: str = Field("external-dns", pattern=OBJECT_NAME, description="namespace of external-dns")
