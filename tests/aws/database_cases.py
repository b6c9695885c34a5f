"""Cases of RDS and ElastiCache."""

from __future__ import annotations

from localcloud.provider.values import Properties
from tests.aws.cases import Case, group, named, subnets, vpc
from tests.aws.driver import Made
from tests.aws.world import World

PASSWORD = "contract-password-1"

INSTANCE: Properties = {
    "engine": "postgres",
    "engineVersion": "17.4",
    "instanceClass": "db.t4g.medium",
    "allocatedStorage": 20,
    "storageEncrypted": True,
    "username": "app",
    "password": PASSWORD,
    "dbName": "contentgen",
    "multiAz": True,
    "skipFinalSnapshot": True,
    "backupRetentionPeriod": 7,
    "tags": {"owner": "platform"},
}
GROUP: Properties = {
    "description": "cache",
    "engine": "redis",
    "engineVersion": "7.1",
    "nodeType": "cache.t4g.small",
    "numCacheClusters": 3,
    "automaticFailoverEnabled": True,
    "multiAzEnabled": True,
    "transitEncryptionEnabled": True,
    "atRestEncryptionEnabled": True,
    "tags": {"owner": "platform"},
}


def instance_seen(world: World, made: Made) -> Properties:
    """The instance."""
    found = described(world, made)
    return {
        "engine": found["Engine"],
        "engineVersion": found["EngineVersion"],
        "instanceClass": found["DBInstanceClass"],
        "allocatedStorage": found["AllocatedStorage"],
        "storageEncrypted": found["StorageEncrypted"],
        "multiAz": found["MultiAZ"],
        "backupRetentionPeriod": found["BackupRetentionPeriod"],
        "vpcSecurityGroupIds": [one["VpcSecurityGroupId"] for one in found["VpcSecurityGroups"]],
        "tags": named(found["TagList"]),
    }


def described(world: World, made: Made) -> dict[str, object]:
    """RDS's own description."""
    return world.boto("rds").describe_db_instances(DBInstanceIdentifier=made.text("identifier"))["DBInstances"][0]


def subnet_group(world: World) -> Properties:
    """Two subnets."""
    return {"subnetIds": subnets(world), "description": "data", "tags": {"owner": "platform"}}


def subnet_group_seen(world: World, made: Made) -> Properties:
    """RDS's subnet group."""
    found = world.boto("rds").describe_db_subnet_groups(DBSubnetGroupName=made.id)["DBSubnetGroups"][0]
    tags = world.boto("rds").list_tags_for_resource(ResourceName=made.text("arn"))["TagList"]
    return {
        "subnetIds": [one["SubnetIdentifier"] for one in found["Subnets"]],
        "description": found["DBSubnetGroupDescription"],
        "tags": named(tags),
    }


def cache_subnet_group_seen(world: World, made: Made) -> Properties:
    """ElastiCache's subnet group."""
    found = world.boto("elasticache").describe_cache_subnet_groups(CacheSubnetGroupName=made.id)["CacheSubnetGroups"][0]
    tags = world.boto("elasticache").list_tags_for_resource(ResourceName=made.text("arn"))["TagList"]
    return {
        "subnetIds": [one["SubnetIdentifier"] for one in found["Subnets"]],
        "description": found["CacheSubnetGroupDescription"],
        "tags": named(tags),
    }


def parameters_seen(world: World, made: Made) -> Properties:
    """RDS's parameters."""
    found = world.boto("rds").describe_db_parameters(DBParameterGroupName=made.id)["Parameters"]
    return {
        "parameters": [
            {"name": one["ParameterName"], "value": one["ParameterValue"], "applyMethod": one["ApplyMethod"]}
            for one in found
        ]
    }


def cache_parameters_seen(world: World, made: Made) -> Properties:
    """ElastiCache's parameters."""
    found = world.boto("elasticache").describe_cache_parameters(CacheParameterGroupName=made.id)["Parameters"]
    return {"parameters": [{"name": one["ParameterName"], "value": one["ParameterValue"]} for one in found]}


def group_seen(world: World, made: Made) -> Properties:
    """The replication group."""
    elasticache = world.boto("elasticache")
    found = elasticache.describe_replication_groups(ReplicationGroupId=made.id)["ReplicationGroups"][0]
    tags = elasticache.list_tags_for_resource(ResourceName=made.text("arn"))["TagList"]
    return {
        "description": found["Description"],
        "nodeType": found["CacheNodeType"],
        "numCacheClusters": len(found["MemberClusters"]),
        "transitEncryptionEnabled": found["TransitEncryptionEnabled"],
        "atRestEncryptionEnabled": found["AtRestEncryptionEnabled"],
        "automaticFailoverEnabled": found["AutomaticFailover"] == "enabled",
        "tags": named(tags),
    }


def parameter(name: str, value: str) -> Properties:
    """An RDS parameter."""
    return {"name": name, "value": value, "applyMethod": "pending-reboot"}


def empty_subnet_group(world: World, made: Made) -> None:
    """Somebody moves the group to other subnets."""
    network = vpc(world).id
    other = world.boto("ec2").create_subnet(VpcId=network, CidrBlock="10.9.5.0/24")["Subnet"]["SubnetId"]
    if made.token.startswith("aws:rds"):
        world.boto("rds").modify_db_subnet_group(DBSubnetGroupName=made.id, SubnetIds=[other])
    else:
        world.boto("elasticache").modify_cache_subnet_group(CacheSubnetGroupName=made.id, SubnetIds=[other])


CASES = (
    Case(
        token="aws:rds/instance:Instance",
        longest_name=63,
        declare=lambda world: {**INSTANCE, "applyImmediately": True, "vpcSecurityGroupIds": [group(world).id]},
        observe=instance_seen,
        change={"instanceClass": "db.t4g.large", "multiAz": False, "tags": {"owner": "backend"}},
        replace={"storageEncrypted": False},
        drift=lambda world, made: world.boto("rds").modify_db_instance(
            DBInstanceIdentifier=made.text("identifier"), BackupRetentionPeriod=1
        ),
        drifted="backupRetentionPeriod",
    ),
    Case(
        token="aws:rds/subnetGroup:SubnetGroup",
        longest_name=255,
        declare=subnet_group,
        observe=subnet_group_seen,
        change={"description": "databases", "tags": {"owner": "backend"}},
        replace={"name": "another-group"},
        drift=empty_subnet_group,
        drifted="subnetIds",
    ),
    Case(
        token="aws:rds/parameterGroup:ParameterGroup",
        longest_name=255,
        declare=lambda world: {
            "family": "postgres17",
            "parameters": [parameter("max_connections", "200"), parameter("shared_buffers", "262144")],
        },
        observe=parameters_seen,
        change={"parameters": [parameter("max_connections", "100")]},
        replace={"family": "postgres16"},
        drift=lambda world, made: world.boto("rds").modify_db_parameter_group(
            DBParameterGroupName=made.id,
            Parameters=[{"ParameterName": "max_connections", "ParameterValue": "5", "ApplyMethod": "pending-reboot"}],
        ),
        drifted="parameters",
    ),
    Case(
        token="aws:elasticache/subnetGroup:SubnetGroup",
        longest_name=255,
        declare=subnet_group,
        observe=cache_subnet_group_seen,
        change={"description": "caches", "tags": {"owner": "backend"}},
        replace={"name": "another-group"},
        drift=empty_subnet_group,
        drifted="subnetIds",
    ),
    Case(
        token="aws:elasticache/parameterGroup:ParameterGroup",
        longest_name=255,
        declare=lambda world: {
            "family": "redis7",
            "parameters": [{"name": "maxmemory-policy", "value": "allkeys-lru"}, {"name": "timeout", "value": "60"}],
        },
        observe=cache_parameters_seen,
        change={"parameters": [{"name": "maxmemory-policy", "value": "noeviction"}]},
        replace={"family": "valkey8"},
        drift=lambda world, made: world.boto("elasticache").modify_cache_parameter_group(
            CacheParameterGroupName=made.id,
            ParameterNameValues=[{"ParameterName": "maxmemory-policy", "ParameterValue": "volatile-ttl"}],
        ),
        drifted="parameters",
    ),
    Case(
        token="aws:elasticache/replicationGroup:ReplicationGroup",
        longest_name=40,
        declare=lambda world: {**GROUP, "applyImmediately": True},
        observe=group_seen,
        change={"description": "queue", "nodeType": "cache.t4g.medium", "tags": {"owner": "backend"}},
        replace={"transitEncryptionEnabled": False},
        drift=lambda world, made: world.boto("elasticache").modify_replication_group(
            ReplicationGroupId=made.id, ReplicationGroupDescription="drifted"
        ),
        drifted="description",
    ),
)
