"""Network policy of a workload from its list of peers (requirement K11)."""

from __future__ import annotations

from pulumi_kubernetes import meta, networking

from components.labels import selector
from stacks.specs.network import Peer, Traffic

DNS_PORT = 53
METADATA_ADDRESS = "169.254.169.254/32"
NODE_DNS_ADDRESS = "169.254.20.10/32"
"""NodeLocal DNSCache (Kubernetes documentation, Using NodeLocal DNSCache)."""


def policy_spec(component: str, traffic: Traffic) -> networking.v1.NetworkPolicySpecArgs:
    dns = networking.v1.NetworkPolicyEgressRuleArgs(
        to=[
            networking.v1.NetworkPolicyPeerArgs(namespace_selector=_namespace("kube-system")),
            networking.v1.NetworkPolicyPeerArgs(ip_block=networking.v1.IPBlockArgs(cidr=NODE_DNS_ADDRESS)),
        ],
        ports=[_port(DNS_PORT, "UDP"), _port(DNS_PORT, "TCP")],
    )
    return networking.v1.NetworkPolicySpecArgs(
        pod_selector=meta.v1.LabelSelectorArgs(match_labels=selector(component)),
        policy_types=["Ingress", "Egress"],
        ingress=[
            networking.v1.NetworkPolicyIngressRuleArgs(from_=[_peer(peer)], ports=[_port(peer.port)])
            for peer in traffic.ingress
        ],
        egress=[
            dns,
            *(
                networking.v1.NetworkPolicyEgressRuleArgs(to=[_peer(peer)], ports=[_port(peer.port)])
                for peer in traffic.egress
            ),
        ],
    )


def _port(port: int, protocol: str = "TCP") -> networking.v1.NetworkPolicyPortArgs:
    return networking.v1.NetworkPolicyPortArgs(port=port, protocol=protocol)


def _namespace(name: str) -> meta.v1.LabelSelectorArgs:
    return meta.v1.LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": name})


def _peer(peer: Peer) -> networking.v1.NetworkPolicyPeerArgs:
    if peer.cidr is not None:
        block = networking.v1.IPBlockArgs(
            cidr=peer.cidr, except_=[METADATA_ADDRESS] if peer.cidr == "0.0.0.0/0" else None
        )
        return networking.v1.NetworkPolicyPeerArgs(ip_block=block)
    if peer.namespace is not None:
        return networking.v1.NetworkPolicyPeerArgs(namespace_selector=_namespace(peer.namespace))
    return networking.v1.NetworkPolicyPeerArgs(
        pod_selector=meta.v1.LabelSelectorArgs(match_labels=selector(peer.component or ""))
    )
