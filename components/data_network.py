"""The private network of a region's managed data stores: given by the stack file, or made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws.ec2 as ec2
import pulumi_aws.vpc as vpc

SUBNETS: Final = 2
PRIVATE_RANGE: Final = "10.0.0.0/8"


@dataclass(frozen=True)
class DataNetworkArgs:
    """``octet`` is the second one of the network made when no ``vpc_id`` is given: 10.<octet>.0.0/16."""

    region: str
    octet: int
    vpc_id: str | None = None
    subnet_ids: tuple[str, ...] = ()


class DataNetwork(pulumi.ComponentResource):
    """A network with private subnets in two zones, and per port a security group that only private addresses reach."""

    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]

    def __init__(self, name: str, args: DataNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:data:DataNetwork", name, None, opts)
        self._name, self._region = name, args.region
        if args.vpc_id is not None:
            self.vpc_id, self.subnet_ids = args.vpc_id, list(args.subnet_ids)
        else:
            self.vpc_id, self.subnet_ids = self._made(args)
        self.register_outputs({"vpcId": self.vpc_id})

    def _made(self, args: DataNetworkArgs) -> tuple[pulumi.Output[str], list[pulumi.Input[str]]]:
        child = pulumi.ResourceOptions(parent=self)
        network = ec2.Vpc(
            f"{self._name}-vpc",
            cidr_block=f"10.{args.octet}.0.0/16",
            enable_dns_hostnames=True,
            region=args.region,
            opts=child,
        )
        subnets = [
            ec2.Subnet(
                f"{self._name}-subnet-{zone}",
                vpc_id=network.id,
                cidr_block=f"10.{args.octet}.{index}.0/24",
                availability_zone=f"{args.region}{zone}",
                region=args.region,
                opts=child,
            )
            for index, zone in enumerate("abc"[:SUBNETS])
        ]
        return network.id, [subnet.id for subnet in subnets]

    def security_group(self, port: int, what: str) -> ec2.SecurityGroup:
        """A group that lets private addresses reach ``port`` and nothing else in, and nothing out."""
        child = pulumi.ResourceOptions(parent=self)
        group = ec2.SecurityGroup(
            f"{self._name}-{what}",
            description=f"{what}: port {port} from private addresses",
            vpc_id=self.vpc_id,
            region=self._region,
            opts=child,
        )
        vpc.SecurityGroupIngressRule(
            f"{self._name}-{what}-in",
            security_group_id=group.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            cidr_ipv4=PRIVATE_RANGE,
            region=self._region,
            opts=child,
        )
        return group
