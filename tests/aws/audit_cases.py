"""Cases of what watches: access logs, retention locks, trails and their keys, alarms."""

from __future__ import annotations

import json

from localcloud.provider.values import Properties
from tests.aws.cases import Case, bucket, named, topic
from tests.aws.driver import Made
from tests.aws.world import World

ACCOUNT = "123456789012"
ALARM_FIELDS = ("namespace", "metricName", "statistic", "threshold", "period", "evaluationPeriods", "treatMissingData")


def locked(days: int) -> Properties:
    """A rule that keeps new objects for some days."""
    return {"defaultRetention": {"mode": "GOVERNANCE", "days": days}}


def versioned(world: World) -> str:
    """A bucket in use that may be locked: it was made without a lock, and holds an object."""
    made = bucket(world)
    versioning: Properties = {"bucket": made.id, "versioningConfiguration": {"status": "Enabled"}}
    world.make("aws:s3/bucketVersioning:BucketVersioning", "versioning", versioning)
    world.boto("s3").put_object(Bucket=made.id, Key="db/dump", Body=b"data")
    return made.id


def lock_seen(world: World, made: Made) -> Properties:
    """The rule in the provider's names."""
    found = world.boto("s3").get_object_lock_configuration(Bucket=made.id)["ObjectLockConfiguration"]
    retention = found["Rule"]["DefaultRetention"]
    return {"rule": {"defaultRetention": {"mode": retention["Mode"], "days": retention["Days"]}}}


def remove_locked(world: World, made: Made) -> None:
    """The bucket with what is in it."""
    s3 = world.boto("s3")
    for version in s3.list_object_versions(Bucket=made.id)["Versions"]:
        s3.delete_object(Bucket=made.id, Key=version["Key"], VersionId=version["VersionId"])
    s3.delete_bucket(Bucket=made.id)


def log_bucket(world: World) -> str:
    """A bucket that S3 may deliver access logs to."""
    made = world.make("aws:s3/bucket:Bucket", "logs", {})
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": ["s3:PutObject"],
        "Resource": f"arn:aws:s3:::{made.id}/*",
    }
    world.boto("s3").put_bucket_policy(Bucket=made.id, Policy=json.dumps({"Statement": [statement]}))
    return made.id


def logging_seen(world: World, made: Made) -> Properties:
    """Target of the logs."""
    found = world.boto("s3").get_bucket_logging(Bucket=made.id)["LoggingEnabled"]
    return {"targetBucket": found["TargetBucket"], "targetPrefix": found["TargetPrefix"]}


def logged_elsewhere(world: World, made: Made) -> None:
    """Somebody sends the logs into another folder."""
    target = {"TargetBucket": logging_seen(world, made)["targetBucket"], "TargetPrefix": "elsewhere/"}
    world.boto("s3").put_bucket_logging(Bucket=made.id, BucketLoggingStatus={"LoggingEnabled": target})


def key_policy(sid: str) -> str:
    """The account's own rule over a key, under a name."""
    owner = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    statement = {"Sid": sid, "Effect": "Allow", "Principal": owner, "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trail_bucket(world: World) -> str:
    """A bucket that CloudTrail may write to."""
    made = bucket(world)
    looks = {"Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{made.id}"}
    writes = {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{made.id}/*"}
    service = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    document = {"Statement": [{**service, **looks}, {**service, **writes}]}
    world.boto("s3").put_bucket_policy(Bucket=made.id, Policy=json.dumps(document))
    return made.id


def trail(world: World) -> Properties:
    """A trail as the stacks have it."""
    key = world.make("aws:kms/key:Key", "key", {"description": "trail"})
    return {
        "s3BucketName": trail_bucket(world),
        "s3KeyPrefix": "trail",
        "kmsKeyId": key.text("arn"),
        "isMultiRegionTrail": True,
        "enableLogFileValidation": True,
        "tags": {"owner": "platform"},
    }


def trail_seen(world: World, made: Made) -> Properties:
    """The trail, its switch and its tags."""
    client = world.boto("cloudtrail")
    found = client.get_trail(Name=made.id)["Trail"]
    (listed,) = client.list_tags(ResourceIdList=[made.id])["ResourceTagList"]
    return {
        "s3KeyPrefix": found["S3KeyPrefix"],
        "s3BucketName": found["S3BucketName"],
        "kmsKeyId": found["KmsKeyId"],
        "isMultiRegionTrail": found["IsMultiRegionTrail"],
        "enableLogFileValidation": found["LogFileValidationEnabled"],
        "enableLogging": client.get_trail_status(Name=made.id)["IsLogging"],
        "tags": named(listed["TagsList"]),
    }


def alarm(world: World) -> Properties:
    """An alarm that goes off when nothing is heard."""
    return {
        "namespace": "contentgen/test",
        "metricName": "BackupSucceeded",
        "dimensions": {"Region": "us-east-1"},
        "statistic": "Sum",
        "comparisonOperator": "LessThanThreshold",
        "threshold": 1,
        "period": 3600,
        "evaluationPeriods": 26,
        "datapointsToAlarm": 26,
        "treatMissingData": "breaching",
        "alarmDescription": "no backup",
        "alarmActions": [topic(world).id],
        "tags": {"owner": "platform"},
    }


def alarm_seen(world: World, made: Made) -> Properties:
    """The alarm in the provider's names."""
    client = world.boto("cloudwatch")
    (found,) = client.describe_alarms(AlarmNames=[made.id])["MetricAlarms"]
    same = {name: found[name[:1].upper() + name[1:]] for name in ALARM_FIELDS}
    return {
        **same,
        "dimensions": {one["Name"]: one["Value"] for one in found["Dimensions"]},
        "tags": named(client.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"]),
    }


def silence(world: World, made: Made) -> None:
    """Somebody makes silence a good sign."""
    client = world.boto("cloudwatch")
    (found,) = client.describe_alarms(AlarmNames=[made.id])["MetricAlarms"]
    names = ("AlarmName", "Namespace", "MetricName", "Dimensions", "Statistic", "ComparisonOperator", "Threshold")
    kept = {name: found[name] for name in (*names, "Period", "EvaluationPeriods")}
    client.put_metric_alarm(**kept, TreatMissingData="notBreaching")


CASES = (
    Case(
        token="aws:s3/bucketLogging:BucketLogging",
        declare=lambda world: {
            "bucket": bucket(world).id,
            "targetBucket": log_bucket(world),
            "targetPrefix": "access/",
        },
        observe=logging_seen,
        change={"targetPrefix": "reads/"},
        replace={"bucket": "another-bucket"},
        drift=logged_elsewhere,
        drifted="targetPrefix",
    ),
    Case(
        token="aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        declare=lambda world: {"bucket": versioned(world), "rule": locked(7)},
        observe=lock_seen,
        change={"rule": locked(14)},
        replace={"bucket": "another-bucket"},
        drift=lambda world, made: world.boto("s3").put_object_lock_configuration(
            Bucket=made.id,
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
            },
        ),
        drifted="rule",
        remove_parent=remove_locked,
    ),
    Case(
        token="aws:kms/keyPolicy:KeyPolicy",
        declare=lambda world: {
            "keyId": world.make("aws:kms/key:Key", "key", {"description": "trail"}).id,
            "policy": key_policy("First"),
        },
        observe=lambda world, made: {
            "policy": world.boto("kms").get_key_policy(KeyId=made.id, PolicyName="default")["Policy"]
        },
        change={"policy": key_policy("Second")},
        replace={"keyId": "another-key"},
        drift=lambda world, made: world.boto("kms").put_key_policy(
            KeyId=made.id, PolicyName="default", Policy=key_policy("Drifted")
        ),
        drifted="policy",
        remove_parent=lambda world, made: world.boto("kms").schedule_key_deletion(KeyId=made.id, PendingWindowInDays=7),
    ),
    Case(
        token="aws:cloudtrail/trail:Trail",
        longest_name=128,
        declare=trail,
        observe=trail_seen,
        change={"s3KeyPrefix": "audit", "enableLogging": False, "tags": {"owner": "backend"}},
        replace={"name": "another-trail"},
        drift=lambda world, made: world.boto("cloudtrail").update_trail(Name=made.id, S3KeyPrefix="elsewhere"),
        drifted="s3KeyPrefix",
    ),
    Case(
        token="aws:cloudwatch/metricAlarm:MetricAlarm",
        longest_name=255,
        declare=alarm,
        observe=alarm_seen,
        change={"period": 7200, "tags": {"owner": "backend"}},
        replace={"name": "another-alarm"},
        drift=silence,
        drifted="treatMissingData",
    ),
)
