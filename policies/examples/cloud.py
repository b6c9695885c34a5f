"""The AWS side of the compliant stack: a database, a cache, a backup bucket, their keys, a budget, an alarm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from policies.examples.base import in_aws
from policies.reading import Value
from policies.rule import Resource

TAGS: Final = {"product": "shop", "environment": "prod", "stack": "prod", "owner": "platform"}
TLS_ONLY: Final = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::shop-backup", "arn:aws:s3:::shop-backup/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
READS: Final = {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": ["arn:aws:s3:::shop-backup/db/*"]}
TRUST: Final = {
    "Effect": "Allow",
    "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.example.com"},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {"StringEquals": {"oidc.example.com:sub": "system:serviceaccount:shop:backup"}},
}


def document(statement: Mapping[str, object]) -> str:
    """A policy document of one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _notice(kind: str, percent: int) -> Value:
    return {
        "notificationType": kind,
        "threshold": percent,
        "thresholdType": "PERCENTAGE",
        "comparisonOperator": "GREATER_THAN",
        "subscriberSnsTopicArns": ["arn:aws:sns:us-east-1:123456789012:notices"],
    }


_BUCKET: Final = in_aws("s3/bucket:Bucket", "backup-bucket", {"forceDestroy": False}, protect=True)
_LOGS: Final = in_aws("s3/bucket:Bucket", "access-logs", {"forceDestroy": False}, protect=True)


def _closed(bucket: Resource, name: str, algorithm: str) -> dict[str, Resource]:
    """Companion resources of a bucket: access block, encryption, versioning, policy."""
    after = (bucket,)
    return {
        f"{name} public access": in_aws(
            "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
            f"{bucket.name}-public-access",
            {
                "blockPublicAcls": True,
                "blockPublicPolicy": True,
                "ignorePublicAcls": True,
                "restrictPublicBuckets": True,
            },
            after=after,
        ),
        f"{name} ownership": in_aws(
            "s3/bucketOwnershipControls:BucketOwnershipControls",
            f"{bucket.name}-ownership",
            {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
            after=after,
        ),
        f"{name} policy": in_aws(
            "s3/bucketPolicy:BucketPolicy", f"{bucket.name}-policy", {"policy": document(TLS_ONLY)}, after=after
        ),
        f"{name} encryption": in_aws(
            "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            f"{bucket.name}-encryption",
            {
                "rules": [
                    {
                        "applyServerSideEncryptionByDefault": {"sseAlgorithm": algorithm},
                        "bucketKeyEnabled": True,
                    }
                ]
            },
            after=after,
        ),
        f"{name} versioning": in_aws(
            "s3/bucketVersioning:BucketVersioning",
            f"{bucket.name}-versioning",
            {"versioningConfiguration": {"status": "Enabled"}},
            after=after,
        ),
        f"{name} lifecycle": in_aws(
            "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            f"{bucket.name}-lifecycle",
            {
                "rules": [
                    {"id": "expire", "status": "Enabled", "expiration": {"days": 30}},
                    {
                        "id": "clean",
                        "status": "Enabled",
                        "noncurrentVersionExpiration": {"noncurrentDays": 30},
                        "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                    },
                ]
            },
            after=after,
        ),
    }


EXAMPLES: Final[Mapping[str, Resource]] = {
    "provider": Resource(
        "pulumi:providers:aws",
        "aws",
        {"defaultTags": json.dumps({"tags": TAGS})},
        "urn:pulumi:prod::example::pulumi:providers:aws::aws",
    ),
    "budget": in_aws(
        "budgets/budget:Budget",
        "month",
        {
            "budgetType": "COST",
            "timeUnit": "MONTHLY",
            "limitAmount": "1000",
            "limitUnit": "USD",
            "notifications": [_notice("ACTUAL", 80), _notice("ACTUAL", 100), _notice("FORECASTED", 100)],
        },
    ),
    "bucket": _BUCKET,
    "log bucket": _LOGS,
    **_closed(_BUCKET, "bucket", "aws:kms"),
    **_closed(_LOGS, "log bucket", "AES256"),
    "bucket logging": in_aws(
        "s3/bucketLogging:BucketLogging",
        "backup-bucket-logging",
        {"targetPrefix": "backup/"},
        after=(_BUCKET, _LOGS),
    ),
    "bucket lock": in_aws(
        "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        "backup-bucket-lock",
        {"rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 7}}},
        after=(_BUCKET,),
    ),
    "trail": in_aws(
        "cloudtrail/trail:Trail",
        "audit",
        {
            "isMultiRegionTrail": True,
            "includeGlobalServiceEvents": True,
            "enableLogFileValidation": True,
            "enableLogging": True,
            "kmsKeyId": "alias/shop",
        },
        after=(_LOGS,),
    ),
    "key": in_aws("kms/key:Key", "data-key", {"enableKeyRotation": True, "deletionWindowInDays": 30}, protect=True),
    "secret": in_aws(
        "secretsmanager/secret:Secret", "addresses", {"kmsKeyId": "alias/shop", "recoveryWindowInDays": 30}
    ),
    "database": in_aws(
        "rds/instance:Instance",
        "primary",
        {
            "engine": "postgres",
            "instanceClass": "db.t4g.large",
            "allocatedStorage": 100,
            "maxAllocatedStorage": 100,
            "storageEncrypted": True,
            "publiclyAccessible": False,
            "multiAz": True,
            "deletionProtection": True,
            "backupRetentionPeriod": 7,
            "copyTagsToSnapshot": True,
            "autoMinorVersionUpgrade": True,
            "performanceInsightsEnabled": True,
            "enabledCloudwatchLogsExports": ["postgresql"],
            "parameterGroupName": "shop",
        },
        protect=True,
    ),
    "database parameters": in_aws(
        "rds/parameterGroup:ParameterGroup",
        "parameters",
        {
            "family": "postgres17",
            "parameters": [{"name": "max_connections", "value": "200"}, {"name": "rds.force_ssl", "value": "1"}],
        },
    ),
    "cache": in_aws(
        "elasticache/replicationGroup:ReplicationGroup",
        "cache",
        {
            "nodeType": "cache.t4g.small",
            "numCacheClusters": 2,
            "automaticFailoverEnabled": True,
            "multiAzEnabled": True,
            "atRestEncryptionEnabled": True,
            "transitEncryptionEnabled": True,
            "authToken": "a-secret",
            "snapshotRetentionLimit": 7,
        },
        protect=True,
    ),
    "cache parameters": in_aws(
        "elasticache/parameterGroup:ParameterGroup",
        "cache-parameters",
        {"family": "redis7", "parameters": [{"name": "maxmemory-policy", "value": "allkeys-lru"}]},
    ),
    "security group": in_aws("ec2/securityGroup:SecurityGroup", "data", {"description": "from private addresses"}),
    "ingress rule": in_aws(
        "vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "data-in",
        {"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "cidrIpv4": "10.0.0.0/8"},
    ),
    "permissions": in_aws("iam/rolePolicy:RolePolicy", "backup-may", {"policy": document(READS)}),
    "trust": in_aws("iam/role:Role", "backup", {"assumeRolePolicy": document(TRUST)}),
    "logs": in_aws("cloudwatch/logGroup:LogGroup", "service-logs", {"retentionInDays": 30}),
    "alarm": in_aws(
        "cloudwatch/metricAlarm:MetricAlarm",
        "backup-missing",
        {"metricName": "backup_last_success_age_seconds", "alarmActions": ["arn:aws:sns:us-east-1:1:notices"]},
    ),
}
