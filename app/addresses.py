"""Network addresses as text: read, found in lists, and as one caller for limits."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from app.limits import IPV6_PREFIX
from app.process_settings import Network

Address = IPv4Address | IPv6Address


def parse(text: str) -> Address | None:
    """An address without port, brackets or zone; IPv4 written as IPv6 is IPv4. None for anything else."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def within(address: Address | None, networks: Sequence[Network]) -> bool:
    """True when the address lies in one of the networks."""
    return address is not None and any(address in network for network in networks if network.version == address.version)


def network_of(text: str, prefix: int = IPV6_PREFIX) -> str:
    """One caller for limits: an IPv4 address, or the IPv6 network that a site is given."""
    if ":" not in text:
        return text
    address = parse(text)
    return str(IPv6Network((address, prefix), strict=False)) if isinstance(address, IPv6Address) else str(address)
