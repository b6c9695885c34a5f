"""The network that a region's managed data stores join: the cluster's own, so that pods reach them."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws.ec2 as ec2
import pulumi_aws.vpc as vpc


@dataclass(frozen=True)
class DataNetworkArgs:
    """An existing network; none is made.

    region: AWS region of the stores.
    vpc_id: network of the region's cluster.
    subnet_ids: private subnets of it, at least two in two zones (RDS API, CreateDBSubnetGroup).
    clients: security group of the cluster's nodes or pods, whose members reach the stores.
    """

    region: str
    vpc_id: str
    subnet_ids: tuple[str, ...]
    clients: str


def last_snapshot(name: str, group: pulumi.Output[str]) -> pulumi.Output[str]:
    """The name of the snapshot that a deleted store leaves: never the same twice, because its security group's id is in
    it. RDS and ElastiCache refuse a name that an earlier life of the stack left behind.
    """
    return pulumi.Output.concat(name, "-final-", group.apply(lambda identifier: identifier.removeprefix("sg-")))


class DataNetwork(pulumi.ComponentResource):
    """Security groups of the managed stores, one a port, open to the cluster's members only."""

    subnet_ids: tuple[str, ...]

    def __init__(self, name: str, args: DataNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:data:DataNetwork", name, None, opts)
        self._name, self._args = name, args
        self.subnet_ids = args.subnet_ids
        self.register_outputs({"vpcId": args.vpc_id})

    def security_group(self, port: int, what: str) -> ec2.SecurityGroup:
        """A group that lets the cluster's members reach ``port`` and nothing else in, and nothing out."""
        child = pulumi.ResourceOptions(parent=self)
        group = ec2.SecurityGroup(
            f"{self._name}-{what}",
            description=f"{what}: port {port} from the cluster",
            vpc_id=self._args.vpc_id,
            region=self._args.region,
            opts=child,
        )
        vpc.SecurityGroupIngressRule(
            f"{self._name}-{what}-in",
            security_group_id=group.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            referenced_security_group_id=self._args.clients,
            region=self._args.region,
            opts=child,
        )
        return group
