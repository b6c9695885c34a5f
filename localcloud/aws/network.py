"""The network that every region of the embedded AWS has from the start, as an account with a cluster has one.

A stack joins managed stores to the network of its cluster and makes none itself. Identifiers follow from the
region alone, so they stay when the server starts anew.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

ZONES: Final = ("a", "b", "c")
VPC_RANGE: Final = "192.168.0.0/16"
"""eksctl's default (eksctl documentation, VPC networking), deliberately not within 10.0.0.0/8."""
POD_RANGES: Final = ("10.0.0.0/8", "127.0.0.0/8")
"""Addresses of the embedded clusters' pods and of their edge, which listens on loopback."""
IDENTITY_PROVIDER: Final = "arn:aws:iam::123456789012:oidc-provider/kubernetes.default.svc.cluster.local"
"""Issuer of the embedded clusters' tokens, as an account knows it that lets them take roles."""
_DIGITS: Final = 17


@dataclass(frozen=True)
class RegionNetwork:
    """The prepared network of one region.

    vpc_id: the VPC.
    subnet_ids: private subnets, one a zone.
    client_security_group_id: group of the cluster's nodes, which managed stores admit.
    """

    vpc_id: str
    subnet_ids: tuple[str, ...]
    client_security_group_id: str


def network_of(region: str) -> RegionNetwork:
    """The network of a region."""
    return RegionNetwork(
        vpc_id=_identifier("vpc", region),
        subnet_ids=tuple(_identifier("subnet", f"{region}{zone}") for zone in ZONES),
        client_security_group_id=_identifier("sg", region),
    )


def _identifier(kind: str, what: str) -> str:
    return f"{kind}-{hashlib.sha256(f'{kind} {what}'.encode()).hexdigest()[:_DIGITS]}"
