"""Property names of CloudFormation that differ from the official plugin's, and those it does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.unit.engine import Json

DROPPED: Final[Mapping[str, frozenset[str]]] = {
    "aws:rds/instance:Instance": frozenset({"applyImmediately", "skipFinalSnapshot", "finalSnapshotIdentifier"}),
    "aws:elasticache/replicationGroup:ReplicationGroup": frozenset(
        {"applyImmediately", "authTokenUpdateStrategy", "finalSnapshotIdentifier"}
    ),
    "aws:route53/zone:Zone": frozenset({"forceDestroy"}),
    "aws:secretsmanager/secret:Secret": frozenset({"recoveryWindowInDays"}),
}
"""Properties about a change or a removal, which CloudFormation says outside the properties."""
TYPES: Final[Mapping[str, str]] = {
    "aws:cloudtrail/trail:Trail": "AWS::CloudTrail::Trail",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "AWS::CloudWatch::Alarm",
    "aws:ec2/securityGroup:SecurityGroup": "AWS::EC2::SecurityGroup",
    "aws:elasticache/parameterGroup:ParameterGroup": "AWS::ElastiCache::ParameterGroup",
    "aws:elasticache/replicationGroup:ReplicationGroup": "AWS::ElastiCache::ReplicationGroup",
    "aws:elasticache/subnetGroup:SubnetGroup": "AWS::ElastiCache::SubnetGroup",
    "aws:iam/role:Role": "AWS::IAM::Role",
    "aws:iam/rolePolicy:RolePolicy": "AWS::IAM::RolePolicy",
    "aws:kms/alias:Alias": "AWS::KMS::Alias",
    "aws:kms/key:Key": "AWS::KMS::Key",
    "aws:rds/instance:Instance": "AWS::RDS::DBInstance",
    "aws:rds/parameterGroup:ParameterGroup": "AWS::RDS::DBParameterGroup",
    "aws:rds/subnetGroup:SubnetGroup": "AWS::RDS::DBSubnetGroup",
    "aws:s3/bucket:Bucket": "AWS::S3::Bucket",
    "aws:s3/bucketPolicy:BucketPolicy": "AWS::S3::BucketPolicy",
    "aws:secretsmanager/secret:Secret": "AWS::SecretsManager::Secret",
    "aws:sns/topic:Topic": "AWS::SNS::Topic",
    "aws:sns/topicPolicy:TopicPolicy": "AWS::SNS::TopicPolicy",
    "aws:sns/topicSubscription:TopicSubscription": "AWS::SNS::Subscription",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "AWS::EC2::SecurityGroupIngress",
    "aws:budgets/budget:Budget": "AWS::Budgets::Budget",
    "aws:route53/healthCheck:HealthCheck": "AWS::Route53::HealthCheck",
    "aws:route53/record:Record": "AWS::Route53::RecordSet",
    "aws:route53/zone:Zone": "AWS::Route53::HostedZone",
}
RENAMED: Final[Mapping[str, Mapping[str, str]]] = {
    "aws:cloudtrail/trail:Trail": {
        "name": "TrailName", "kmsKeyId": "KMSKeyId", "enableLogging": "IsLogging",
        "enableLogFileValidation": "EnableLogFileValidation",
    },
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"okActions": "OKActions", "name": "AlarmName"},
    "aws:ec2/securityGroup:SecurityGroup": {"description": "GroupDescription", "name": "GroupName"},
    "aws:elasticache/parameterGroup:ParameterGroup": {
        "family": "CacheParameterGroupFamily", "parameters": "Properties",
    },
    "aws:elasticache/replicationGroup:ReplicationGroup": {
        "description": "ReplicationGroupDescription", "nodeType": "CacheNodeType",
        "multiAzEnabled": "MultiAZEnabled", "parameterGroupName": "CacheParameterGroupName",
        "subnetGroupName": "CacheSubnetGroupName",
    },
    "aws:iam/role:Role": {"assumeRolePolicy": "AssumeRolePolicyDocument", "name": "RoleName"},
    "aws:iam/rolePolicy:RolePolicy": {"policy": "PolicyDocument", "role": "RoleName", "name": "PolicyName"},
    "aws:kms/alias:Alias": {"name": "AliasName"},
    "aws:kms/key:Key": {"deletionWindowInDays": "PendingWindowInDays"},
    "aws:rds/instance:Instance": {
        "instanceClass": "DBInstanceClass", "username": "MasterUsername", "password": "MasterUserPassword",
        "dbName": "DBName", "dbSubnetGroupName": "DBSubnetGroupName", "parameterGroupName": "DBParameterGroupName",
        "vpcSecurityGroupIds": "VPCSecurityGroups", "multiAz": "MultiAZ", "identifier": "DBInstanceIdentifier",
        "caCertIdentifier": "CACertificateIdentifier", "replicateSourceDb": "SourceDBInstanceIdentifier",
        "performanceInsightsEnabled": "EnablePerformanceInsights",
        "performanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
        "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
    },
    "aws:rds/parameterGroup:ParameterGroup": {"name": "DBParameterGroupName"},
    "aws:rds/subnetGroup:SubnetGroup": {
        "description": "DBSubnetGroupDescription", "name": "DBSubnetGroupName",
    },
    "aws:s3/bucket:Bucket": {"bucket": "BucketName"},
    "aws:s3/bucketPolicy:BucketPolicy": {"policy": "PolicyDocument"},
    "aws:sns/topicPolicy:TopicPolicy": {"policy": "PolicyDocument"},
    "aws:sns/topicSubscription:TopicSubscription": {"topic": "TopicArn"},
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
        "securityGroupId": "GroupId", "referencedSecurityGroupId": "SourceSecurityGroupId", "cidrIpv4": "CidrIp",
    },
    "aws:route53/record:Record": {"ttl": "TTL", "records": "ResourceRecords", "zoneId": "HostedZoneId"},
}  # fmt: skip
FILLED_IN: Final[Mapping[str, Mapping[str, Json]]] = {
    "aws:cloudtrail/trail:Trail": {"enableLogging": True},
    "aws:iam/rolePolicy:RolePolicy": {"name": "automatic-1234567"},
}
"""Values that the official plugin sends where the program gives nothing, and CloudFormation wants something."""
BUCKET_PARTS: Final[Mapping[str, tuple[str, str | None]]] = {
    "aws:s3/bucketVersioning:BucketVersioning": ("VersioningConfiguration", "versioningConfiguration"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ("PublicAccessBlockConfiguration", None),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ("OwnershipControls", None),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "BucketEncryption", None,
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ("LifecycleConfiguration", None),
    "aws:s3/bucketLogging:BucketLogging": ("LoggingConfiguration", None),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": ("ObjectLockConfiguration", None),
}  # fmt: skip
"""Settings that are resources of their own here and properties of the bucket there."""
