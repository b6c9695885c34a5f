"""Security groups (Amazon VPC User Guide, "Security group rules"): what no rule of a target's groups admits is out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from localcloud.reachability.network_policies import Endpoint


@dataclass(frozen=True)
class IngressRule:
    """One rule that admits.

    group: security group that it belongs to.
    first, last: range of ports.
    source_group: security group whose members it admits; empty with a range of addresses.
    cidr: range of addresses that it admits.
    """

    group: str
    first: int
    last: int
    source_group: str = ""
    cidr: str = ""


def admits(rules: Sequence[IngressRule], source: Endpoint, target: Endpoint, port: int) -> bool:
    """True if a group of the target admits the source. What has no group, such as a pod's neighbour, is not asked."""
    if not target.groups:
        return True
    return any(
        rule.group in target.groups
        and rule.first <= port <= rule.last
        and (
            rule.source_group in source.groups
            or (rule.cidr != "" and ip_address(source.address) in ip_network(rule.cidr, strict=False))
        )
        for rule in rules
    )
