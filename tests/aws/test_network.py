"""The prepared network: in every region from the start, with the identifiers that stacks are given."""

from __future__ import annotations

import pytest

from localcloud.aws.network import network_of
from tests.aws.world import World


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "ap-southeast-1"])
def test_every_region_has_a_network_with_three_zones_and_the_nodes_group(world: World, region: str) -> None:
    network, ec2 = network_of(region), world.boto("ec2", region)
    assert ec2.describe_vpcs(VpcIds=[network.vpc_id])["Vpcs"][0]["CidrBlock"] == "192.168.0.0/16"
    found = ec2.describe_subnets(SubnetIds=[*network.subnet_ids])["Subnets"]
    assert {one["AvailabilityZone"] for one in found} == {f"{region}{zone}" for zone in "abc"}
    assert {one["VpcId"] for one in found} == {network.vpc_id}
    (group,) = ec2.describe_security_groups(GroupIds=[network.client_security_group_id])["SecurityGroups"]
    assert group["VpcId"] == network.vpc_id


def test_regions_have_networks_of_their_own() -> None:
    one, other = network_of("us-east-1"), network_of("eu-west-1")
    assert not {one.vpc_id, *one.subnet_ids} & {other.vpc_id, *other.subnet_ids}
