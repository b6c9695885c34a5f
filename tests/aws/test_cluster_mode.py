"""ElastiCache in cluster mode: what the service refuses, and the endpoint by which clients find the shards."""

from __future__ import annotations

import grpc
import pytest

from localcloud.provider.values import Properties
from tests.aws.database_cases import GROUP
from tests.aws.test_server import fetched
from tests.aws.world import World

CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
PARAMETERS = "aws:elasticache/parameterGroup:ParameterGroup"
SHARDED: Properties = {
    **{key: value for key, value in GROUP.items() if key not in ("numCacheClusters", "multiAzEnabled")},
    "clusterMode": "enabled",
    "numNodeGroups": 3,
    "replicasPerNodeGroup": 0,
}


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"automaticFailoverEnabled": False}, "automaticFailoverEnabled"),
        ({"multiAzEnabled": True}, "multiAzEnabled"),
        ({"numCacheClusters": 3}, "numCacheClusters"),
        ({"clusterMode": "disabled"}, "numNodeGroups"),
    ],
)
def test_combinations_that_elasticache_refuses_are_refused(world: World, change: Properties, wrong: str) -> None:
    assert not world.driver.check(CACHE, "shards", SHARDED).failures
    assert set(world.driver.check(CACHE, "shards", {**SHARDED, **change}).failures) == {wrong}


def test_three_shards_have_one_configuration_endpoint_and_a_node_each(world: World) -> None:
    enabled = [{"name": "cluster-enabled", "value": "yes"}]
    group = world.make(PARAMETERS, "sharded", {"family": "redis7", "parameters": enabled})
    made = world.make(CACHE, "shards", {**SHARDED, "parameterGroupName": group.id})
    assert made.text("configurationEndpointAddress").startswith("clustercfg.")
    assert not made.plain.get("primaryEndpointAddress")
    (found,) = world.boto("elasticache").describe_replication_groups(ReplicationGroupId=made.id)["ReplicationGroups"]
    assert len(found["NodeGroups"]) == 3
    assert found["AutomaticFailover"] == "enabled"
    (listed,) = (one for one in fetched(world.cloud, "/localcloud/databases") if one["identifier"] == made.id)
    assert listed["host"] == made.text("configurationEndpointAddress")
    domain = listed["host"].removeprefix("clustercfg.")
    assert listed["shards"] == [f"{made.id}-{number:04d}-001.{domain}" for number in (1, 2, 3)]


def test_parameters_of_the_other_mode_are_refused(world: World) -> None:
    plain = world.make(PARAMETERS, "plain", {"family": "redis7"})
    with pytest.raises(grpc.RpcError, match=r"InvalidParameterCombination.*only with cluster mode disabled"):
        world.make(CACHE, "shards", {**SHARDED, "parameterGroupName": plain.id})
