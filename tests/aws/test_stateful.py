"""Things that hold data: what keeps them from being deleted, and what stays of them."""

from __future__ import annotations

import grpc
import pytest
from botocore.exceptions import ClientError

from localcloud.cloudfile import CloudFile, RegionFile
from localcloud.protection import release
from localcloud.provider.values import Properties
from tests.aws.audit_cases import log_bucket, versioned
from tests.aws.driver import Made
from tests.aws.world import OTHER_REGION, REGION, World

BUCKET, INSTANCE = "aws:s3/bucket:Bucket", "aws:rds/instance:Instance"
DATABASE: Properties = {
    "engine": "postgres",
    "engineVersion": "17.4",
    "instanceClass": "db.t4g.micro",
    "allocatedStorage": 20,
    "dbName": "contentgen",
    "username": "app",
    "password": "stateful-password",
    "storageEncrypted": True,
}


def refusal(error: pytest.ExceptionInfo[grpc.RpcError]) -> str:
    return error.value.details()


def test_a_bucket_that_holds_objects_is_not_deleted(world: World) -> None:
    made = world.make(BUCKET, "bucket", {})
    world.boto("s3").put_object(Bucket=made.id, Key="db/dump", Body=b"data")
    with pytest.raises(grpc.RpcError) as error:
        world.driver.delete(made)
    assert "BucketNotEmpty" in refusal(error)
    assert world.boto("s3").get_object(Bucket=made.id, Key="db/dump")["Body"].read() == b"data"


def test_a_versioned_bucket_with_only_deleted_objects_still_holds_their_versions(world: World) -> None:
    made = world.make(BUCKET, "bucket", {})
    versioning: Properties = {"bucket": made.id, "versioningConfiguration": {"status": "Enabled"}}
    world.make("aws:s3/bucketVersioning:BucketVersioning", "versioning", versioning)
    world.boto("s3").put_object(Bucket=made.id, Key="db/dump", Body=b"data")
    world.boto("s3").delete_object(Bucket=made.id, Key="db/dump")
    with pytest.raises(grpc.RpcError) as error:
        world.driver.delete(made)
    assert "BucketNotEmpty" in refusal(error)


def test_force_destroy_empties_a_versioned_bucket_first(world: World) -> None:
    made = world.make(BUCKET, "bucket", {"forceDestroy": True})
    versioning: Properties = {"bucket": made.id, "versioningConfiguration": {"status": "Enabled"}}
    world.make("aws:s3/bucketVersioning:BucketVersioning", "versioning", versioning)
    for body in (b"one", b"two"):
        world.boto("s3").put_object(Bucket=made.id, Key="db/dump", Body=body)
    world.boto("s3").delete_object(Bucket=made.id, Key="db/dump")
    world.driver.delete(made)
    assert world.driver.refresh(made) is None


def test_a_bucket_closed_to_plain_http_still_serves_this_machine(world: World) -> None:
    made = world.make(BUCKET, "bucket", {})
    arn = made.text("arn")
    policy = (
        '{"Version":"2012-10-17","Statement":[{"Sid":"TlsOnly","Effect":"Deny","Principal":"*","Action":"s3:*",'
        f'"Resource":["{arn}","{arn}/*"],"Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}}}]}}'
    )
    world.make("aws:s3/bucketPolicy:BucketPolicy", "policy", {"bucket": made.id, "policy": policy})
    s3 = world.boto("s3")
    s3.put_object(Bucket=made.id, Key="db/dump", Body=b"data")
    assert s3.get_object(Bucket=made.id, Key="db/dump")["Body"].read() == b"data"
    assert s3.get_bucket_policy(Bucket=made.id)["Policy"] == policy


def test_a_denial_without_a_condition_is_still_enforced(world: World) -> None:
    made = world.make(BUCKET, "bucket", {})
    policy = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject",'
        f'"Resource":"{made.text("arn")}/*"}}]}}'
    )
    world.make("aws:s3/bucketPolicy:BucketPolicy", "policy", {"bucket": made.id, "policy": policy})
    with pytest.raises(world.boto("s3").exceptions.ClientError, match=r"AccessDenied|Forbidden"):
        world.boto("s3").put_object(Bucket=made.id, Key="db/dump", Body=b"data")


def instance(world: World, name: str, **more: object) -> Made:
    return world.make(INSTANCE, name, {**DATABASE, **more})


def test_a_protected_database_is_not_deleted_until_the_protection_is_deployed_away(world: World) -> None:
    made = instance(world, "db", deletionProtection=True, skipFinalSnapshot=True)
    with pytest.raises(grpc.RpcError) as error:
        world.driver.delete(made)
    assert "deletion protection" in refusal(error)
    open_again = world.driver.update(made, {**DATABASE, "deletionProtection": False, "skipFinalSnapshot": True})
    world.driver.delete(open_again)
    assert world.driver.refresh(made) is None


def test_a_database_goes_with_a_last_snapshot_or_with_an_explicit_no_to_it(world: World) -> None:
    undecided = instance(world, "undecided")
    with pytest.raises(grpc.RpcError) as error:
        world.driver.delete(undecided)
    assert "finalSnapshotIdentifier" in refusal(error)
    name = world.name("last")
    decided = instance(world, "decided", finalSnapshotIdentifier=name)
    world.driver.delete(decided)
    snapshots = world.boto("rds").describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"]
    assert [one["DBInstanceIdentifier"] for one in snapshots] == [decided.plain["identifier"]]


def test_a_replica_in_its_sources_region_with_a_key_of_its_own_is_refused(world: World) -> None:
    primary = instance(world, "primary", skipFinalSnapshot=True, backupRetentionPeriod=7)
    replica: Properties = {
        "instanceClass": "db.t4g.micro",
        "replicateSourceDb": primary.plain["identifier"],
        "skipFinalSnapshot": True,
        "kmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/1234",
    }
    assert "InvalidParameterCombination" in world.driver.check(INSTANCE, "replica", replica).failures["kmsKeyId"]
    elsewhere = {**replica, "replicateSourceDb": f"arn:aws:rds:{OTHER_REGION}:123456789012:db:source"}
    assert "kmsKeyId" not in world.driver.check(INSTANCE, "replica", elsewhere).failures


def test_a_new_password_is_a_change_in_place(world: World) -> None:
    made = instance(world, "db", skipFinalSnapshot=True)
    wanted: Properties = {**DATABASE, "skipFinalSnapshot": True, "password": "rotated-password"}
    found = world.driver.diff(made, wanted)
    assert (list(found.diffs), list(found.replaces)) == (["password"], [])
    assert world.driver.update(made, wanted).id == made.id


def test_replicas_follow_their_source_here_and_in_another_region(world: World) -> None:
    source = instance(world, "source", skipFinalSnapshot=True)
    replica: Properties = {"instanceClass": "db.t4g.micro", "skipFinalSnapshot": True}
    near = world.make(INSTANCE, "near", {**replica, "replicateSourceDb": source.plain["identifier"]})
    far = world.make(INSTANCE, "far", {**replica, "replicateSourceDb": source.plain["arn"], "region": OTHER_REGION})
    assert len({source.id, near.id, far.id}) == 3
    assert OTHER_REGION in far.text("endpoint")
    followed = world.driver.refresh(source)
    assert followed is not None
    assert followed.plain["replicas"] == [near.plain["identifier"], far.plain["arn"]]
    for made in (far, near, source):
        world.driver.delete(made)
        assert world.driver.refresh(made) is None


def test_a_replica_is_promoted_in_place_when_its_source_is_no_longer_declared(world: World) -> None:
    source = instance(world, "source", skipFinalSnapshot=True)
    replica: Properties = {"instanceClass": "db.t4g.micro", "skipFinalSnapshot": True}
    near = world.make(INSTANCE, "near", {**replica, "replicateSourceDb": source.plain["arn"], "region": OTHER_REGION})
    alone: Properties = {**DATABASE, "skipFinalSnapshot": True, "region": OTHER_REGION}
    found = world.driver.diff(near, alone)
    assert "replicateSourceDb" in found.diffs
    assert list(found.replaces) == []
    promoted = world.driver.refresh(world.driver.update(near, alone))
    assert promoted is not None
    assert "replicateSourceDb" not in {**promoted.inputs, **promoted.state}
    assert world.driver.refresh(source).plain["replicas"] == []


def test_a_replica_outlives_the_region_of_its_source(world: World) -> None:
    source = instance(world, "source", skipFinalSnapshot=True)
    replica: Properties = {"instanceClass": "db.t4g.micro", "skipFinalSnapshot": True}
    far = world.make(INSTANCE, "far", {**replica, "replicateSourceDb": source.plain["arn"], "region": OTHER_REGION})
    world.driver.delete(source)
    assert world.driver.refresh(far) is not None
    world.driver.delete(far)
    assert world.driver.refresh(far) is None


def test_a_rotated_secret_keeps_its_old_version_until_the_new_one_is_current(world: World) -> None:
    secret = world.make("aws:secretsmanager/secret:Secret", "secret", {"recoveryWindowInDays": 0})
    token = "aws:secretsmanager/secretVersion:SecretVersion"
    old = world.make(token, "old", {"secretId": secret.id, "secretString": "first"})
    new = world.make(token, "new", {"secretId": secret.id, "secretString": "second"})
    manager = world.boto("secretsmanager")
    assert manager.get_secret_value(SecretId=secret.id)["SecretString"] == "second"
    assert manager.get_secret_value(SecretId=secret.id, VersionStage="AWSPREVIOUS")["SecretString"] == "first"
    world.driver.delete(old)
    assert manager.get_secret_value(SecretId=secret.id)["SecretString"] == "second"
    assert world.driver.refresh(new) is not None


def test_a_secret_with_a_recovery_window_keeps_its_name_and_comes_back(world: World) -> None:
    made = world.make("aws:secretsmanager/secret:Secret", "secret", {"name": world.name("kept")})
    world.driver.delete(made)
    assert world.driver.refresh(made) is None
    world.boto("secretsmanager").restore_secret(SecretId=made.id)
    assert world.driver.refresh(made) is not None


def test_a_key_is_scheduled_for_deletion_not_deleted(world: World) -> None:
    made = world.make("aws:kms/key:Key", "key", {"deletionWindowInDays": 7})
    world.driver.delete(made)
    assert world.boto("kms").describe_key(KeyId=made.id)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert world.driver.refresh(made) is None


def test_force_destroy_goes_round_a_governance_lock_and_nothing_else_does(world: World) -> None:
    made = world.make(BUCKET, "bucket", {"forceDestroy": True})
    versioning: Properties = {"bucket": made.id, "versioningConfiguration": {"status": "Enabled"}}
    world.make("aws:s3/bucketVersioning:BucketVersioning", "versioning", versioning)
    rule: Properties = {"defaultRetention": {"mode": "GOVERNANCE", "days": 7}}
    lock: Properties = {"bucket": made.id, "rule": rule}
    world.make("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "lock", lock)
    version = world.boto("s3").put_object(Bucket=made.id, Key="db/dump", Body=b"data")["VersionId"]
    with pytest.raises(ClientError, match="AccessDenied"):
        world.boto("s3").delete_object(Bucket=made.id, Key="db/dump", VersionId=version)
    world.driver.delete(made)
    assert world.driver.refresh(made) is None


def test_before_a_cloud_is_destroyed_its_buckets_are_unlocked_emptied_and_log_no_more(world: World) -> None:
    logs = log_bucket(world)
    held = versioned(world)
    rule: Properties = {"defaultRetention": {"mode": "GOVERNANCE", "days": 7}}
    world.make(
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "lock", {"bucket": held, "rule": rule}
    )
    logging: Properties = {"bucket": held, "targetBucket": logs, "targetPrefix": "access/"}
    world.make("aws:s3/bucketLogging:BucketLogging", "logging", logging)
    storage = world.boto("s3")
    storage.put_object(Bucket=held, Key="db/locked", Body=b"data")
    region = RegionFile(name=REGION, kubeconfig="", network=0, edge_port=0)
    cloud = CloudFile(stack="test", folder="", aws_endpoint=world.cloud.endpoint, regions=(region,), kubeconfigs={})
    release(cloud)
    storage.put_bucket_versioning(Bucket=held, VersioningConfiguration={"Status": "Enabled"})
    for bucket in (held, logs):
        assert "Versions" not in storage.list_object_versions(Bucket=bucket)
