"""Address blocks: which of them are the internet, by arithmetic and not by how they are written."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

Network = IPv4Network | IPv6Network

PRIVATE: Final = tuple(
    ip_network(one)
    for one in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
)
"""Addresses that are not routed on the internet (RFC 1918, 6598, 3927, 4193, 4291)."""
WIDEST: Final = {4: 16, 6: 32}
"""The widest public block that one owner can still have, as bits of its prefix, by IP version."""


@cache
def network(written: str) -> Network | None:
    """The block, also one with bits beyond its prefix, which AWS and Kubernetes cut off; None for no block."""
    try:
        return ip_network(written.strip(), strict=False)
    except ValueError:
        return None


def is_world(written: str) -> bool:
    """True if a block holds more of the internet than one owner has, however it is written."""
    found = network(written)
    if found is None or any(_within(found, one) for one in PRIVATE):
        return False
    return found.prefixlen < WIDEST[found.version]


def holds(written: str, address: str) -> bool:
    """True if a block holds an address or another block."""
    outer, inner = network(written), network(address)
    return outer is not None and inner is not None and _within(inner, outer)


def _within(inner: Network, outer: Network) -> bool:
    return (
        inner.version == outer.version
        and int(outer.network_address) <= int(inner.network_address)
        and int(inner.broadcast_address) <= int(outer.broadcast_address)
    )
