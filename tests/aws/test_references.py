"""References of a request must exist and fit: each one is broken once and refused with AWS' code."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from localcloud.aws.references import REFERENCES
from tests.aws.audit_cases import trail_bucket
from tests.aws.cases import TRUST, bucket, group, statement, zone
from tests.aws.world import World

MISSING_KEY = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
MISSING_GROUP = "sg-0123456789abcdef0"


def database(world: World, **more: object) -> None:
    world.boto("rds").create_db_instance(
        DBInstanceIdentifier=world.name("database"), Engine="postgres", DBInstanceClass="db.t4g.medium",
        AllocatedStorage=20, MasterUsername="app", MasterUserPassword="a-password-of-a-test", **more,
    )  # fmt: skip


def cache(world: World, **more: object) -> None:
    world.boto("elasticache").create_replication_group(
        ReplicationGroupId=world.name("cache"), ReplicationGroupDescription="cache", Engine="redis",
        CacheNodeType="cache.t4g.small", NumCacheClusters=1, **more,
    )  # fmt: skip


def role_for(world: World, trust: str) -> str:
    name = world.name("monitor")
    made = world.boto("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    return made["Role"]["Arn"]


def parameters_in_use(world: World) -> None:
    name = world.name("parameters")
    client = world.boto("elasticache")
    client.create_cache_parameter_group(
        CacheParameterGroupName=name, CacheParameterGroupFamily="redis7", Description="used"
    )
    cache(world, CacheParameterGroupName=name)
    client.delete_cache_parameter_group(CacheParameterGroupName=name)


def group_of_a_database(world: World) -> None:
    used = group(world).id
    database(world, VpcSecurityGroupIds=[used])
    world.boto("ec2").delete_security_group(GroupId=used)


def trail(world: World, bucket_name: str, **more: object) -> None:
    world.boto("cloudtrail").create_trail(Name=world.name("trail"), S3BucketName=bucket_name, **more)


def alias(world: World, target: str) -> None:
    own = zone(world).id
    record = {
        "Name": f"a.z{world.number}.example.org",
        "Type": "A",
        "AliasTarget": {"HostedZoneId": own, "DNSName": target, "EvaluateTargetHealth": True},
    }
    world.boto("route53").change_resource_record_sets(
        HostedZoneId=own, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )


BROKEN: dict[str, Callable[[World], None]] = {
    "rds-key": lambda world: database(world, KmsKeyId=MISSING_KEY, StorageEncrypted=True),
    "rds-role": lambda world: database(world, MonitoringInterval=60, MonitoringRoleArn=role_for(world, TRUST)),
    "rds-group": lambda world: database(world, VpcSecurityGroupIds=[MISSING_GROUP]),
    "cache-key": lambda world: cache(world, KmsKeyId=MISSING_KEY, AtRestEncryptionEnabled=True),
    "cache-group": lambda world: cache(world, SecurityGroupIds=[MISSING_GROUP]),
    "cache-parameters-in-use": parameters_in_use,
    "group-in-use": group_of_a_database,
    "secret-key": lambda world: world.boto("secretsmanager").create_secret(
        Name=world.name("secret"), SecretString="x", KmsKeyId=MISSING_KEY
    ),
    "trail-bucket": lambda world: trail(world, "no-bucket-of-this-name"),
    "trail-policy": lambda world: trail(world, bucket(world).id),
    "trail-key": lambda world: trail(world, trail_bucket(world), KmsKeyId=MISSING_KEY),
    "alias-target": lambda world: alias(world, "nobody.example.org"),
}


def test_every_reference_has_an_example_and_a_source() -> None:
    assert set(BROKEN) == {one.name for one in REFERENCES}
    assert all(one.source and one.allowed for one in REFERENCES)


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda one: one.name)
def test_what_breaks_a_reference_is_refused_with_the_code_of_aws(world: World, reference) -> None:
    with pytest.raises(ClientError) as refused:
        BROKEN[reference.name](world)
    assert refused.value.response["Error"]["Code"] == reference.code
    assert reference.allowed in str(refused.value)


def test_what_is_there_and_fits_is_taken(world: World) -> None:
    key = world.boto("kms").create_key()["KeyMetadata"]["Arn"]
    monitoring = TRUST.replace("backup.amazonaws.com", "monitoring.rds.amazonaws.com")
    database(
        world, KmsKeyId=key, StorageEncrypted=True, MonitoringInterval=60, VpcSecurityGroupIds=[group(world).id],
        MonitoringRoleArn=role_for(world, monitoring),
    )  # fmt: skip
    cache(world, KmsKeyId=key, AtRestEncryptionEnabled=True)
    trail(world, trail_bucket(world), KmsKeyId=key)
    alias(world, "edge-1.elb.us-east-1.amazonaws.com")
    world.boto("ec2").delete_security_group(GroupId=group(world).id)


def test_a_security_group_that_another_names_is_kept(world: World) -> None:
    client = world.boto("ec2")
    named, naming = group(world).id, world.make("aws:ec2/securityGroup:SecurityGroup", "other", {"vpcId": _vpc(world)})
    pair = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": named}]}]
    client.authorize_security_group_ingress(GroupId=naming.id, IpPermissions=pair)
    with pytest.raises(ClientError, match=f"has a dependent object: {naming.id}"):
        client.delete_security_group(GroupId=named)


def _vpc(world: World) -> str:
    return world.boto("ec2").describe_security_groups(
        Filters=[{"Name": "group-name", "Values": [f"group{world.number}*"]}]
    )["SecurityGroups"][0]["VpcId"]


def test_a_trail_whose_bucket_denies_it_is_refused(world: World) -> None:
    name = trail_bucket(world)
    document = json.loads(world.boto("s3").get_bucket_policy(Bucket=name)["Policy"])
    denied = json.loads(statement("Deny", "*", "s3:PutObject", f"arn:aws:s3:::{name}/AWSLogs/*"))["Statement"]
    text = json.dumps({"Statement": [*document["Statement"], *denied]})
    world.boto("s3").put_bucket_policy(Bucket=name, Policy=text)
    with pytest.raises(ClientError, match="s3:PutObject is not allowed"):
        trail(world, name)
