"""EC2 of moto with the prepared network of `localcloud.aws.network` in every region."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from localcloud.aws.network import VPC_RANGE, ZONES, network_of

_wanted: Final = threading.local()
"""The identifier that the next thing made by this thread gets."""
_extended: Final = threading.Event()
_lock: Final = threading.Lock()


def extend() -> None:
    """Makes every EC2 backend begin with the network. Calling it again does nothing."""
    with _lock:
        if _extended.is_set():
            return
        from moto.ec2.models import EC2Backend, security_groups, subnets, vpcs

        vpcs.random_vpc_id = _chosen(vpcs.random_vpc_id)
        subnets.random_subnet_id = _chosen(subnets.random_subnet_id)
        security_groups.random_security_group_id = _chosen(security_groups.random_security_group_id)
        begin = EC2Backend.__init__

        def begin_with_network(self: EC2Backend, region_name: str, account_id: str) -> None:
            begin(self, region_name, account_id)
            _prepare(self, region_name)

        EC2Backend.__init__ = begin_with_network
        _extended.set()


def _chosen(random: Callable[..., str]) -> Callable[..., str]:
    def choose(*arguments: object) -> str:
        wanted, _wanted.identifier = getattr(_wanted, "identifier", ""), ""
        return wanted or random(*arguments)

    return choose


def _prepare(backend: object, region: str) -> None:
    network = network_of(region)
    _wanted.identifier = network.vpc_id
    vpc = backend.create_vpc(VPC_RANGE)
    for number, (zone, identifier) in enumerate(zip(ZONES, network.subnet_ids, strict=True)):
        _wanted.identifier = identifier
        backend.create_subnet(vpc.id, f"192.168.{number}.0/24", availability_zone=f"{region}{zone}")
    _wanted.identifier = network.client_security_group_id
    backend.create_security_group("nodes", "nodes of the cluster", vpc_id=vpc.id)
