"""The permissions that declaring a resource type needs, type by type.

``reads`` and ``changes`` are what the embedded AWS is asked for, seen by its gate. ``beside`` is what the official
plugin needs on top, from the CloudFormation registry's schema of the type (handlers.*.permissions) or the page named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

READING: Final = ("Get", "List", "Describe", "View")
"""Prefixes of the actions that change nothing."""
LINKED_ROLE: Final = "iam:CreateServiceLinkedRole"
GRANT: Final = "kms:CreateGrant kms:DescribeKey"
NETWORK: Final = "ec2:DescribeSecurityGroups ec2:DescribeSubnets ec2:DescribeVpcs"


@dataclass(frozen=True)
class Rights:
    """One type's. Names are joined by spaces; one without a prefix has that of ``service``.

    source: where ``beside`` is from.
    """

    service: str
    reads: str
    changes: str
    beside: str = ""
    source: str = ""

    @property
    def exercised(self) -> frozenset[str]:
        """Permissions that the whole life of such a resource needs on the embedded AWS."""
        return self._named(f"{self.reads} {self.changes}")

    @property
    def of_plan(self) -> frozenset[str]:
        """Permissions that reading it back needs."""
        more = {one for one in self._named(self.beside) if one.partition(":")[2].startswith(READING)}
        return self._named(self.reads) | more

    @property
    def of_deployment(self) -> frozenset[str]:
        """Everything."""
        return self.exercised | self._named(self.beside)

    def _named(self, actions: str) -> frozenset[str]:
        return frozenset(one if ":" in one else f"{self.service}:{one}" for one in actions.split())


RIGHTS: Final[Mapping[str, Rights]] = MappingProxyType(
    {
        "aws:budgets/budget:Budget": Rights(
            "budgets", "ListTagsForResource ViewBudget", "ModifyBudget TagResource", "UntagResource",
            "AWS::Budgets::Budget",
        ),
        "aws:cloudtrail/trail:Trail": Rights(
            "cloudtrail", "GetTrail GetTrailStatus ListTags",
            "AddTags CreateTrail DeleteTrail RemoveTags StartLogging StopLogging UpdateTrail",
            "DescribeTrails GetEventSelectors GetInsightSelectors", "AWS::CloudTrail::Trail",
        ),
        "aws:cloudwatch/metricAlarm:MetricAlarm": Rights(
            "cloudwatch", "DescribeAlarms ListTagsForResource", "DeleteAlarms PutMetricAlarm TagResource",
            "UntagResource", "AWS::CloudWatch::Alarm",
        ),
        "aws:ec2/securityGroup:SecurityGroup": Rights(
            "ec2", "DescribeSecurityGroups",
            "CreateSecurityGroup CreateTags DeleteSecurityGroup RevokeSecurityGroupEgress",
            "DeleteTags DescribeNetworkInterfaces RevokeSecurityGroupIngress",
            "terraform-provider-aws internal/service/ec2/vpc_security_group.go: delete waits for interfaces",
        ),
        "aws:elasticache/parameterGroup:ParameterGroup": Rights(
            "elasticache", "DescribeCacheParameterGroups DescribeCacheParameters ListTagsForResource",
            "AddTagsToResource CreateCacheParameterGroup DeleteCacheParameterGroup ModifyCacheParameterGroup "
            "ResetCacheParameterGroup",
            "RemoveTagsFromResource", "AWS::ElastiCache::ParameterGroup",
        ),
        "aws:elasticache/replicationGroup:ReplicationGroup": Rights(
            "elasticache", "DescribeReplicationGroups ListTagsForResource",
            "AddTagsToResource CreateReplicationGroup DeleteReplicationGroup ModifyReplicationGroup",
            f"DescribeCacheClusters IncreaseReplicaCount DecreaseReplicaCount RemoveTagsFromResource CreateSnapshot "
            f"{GRANT} {NETWORK} {LINKED_ROLE}",
            "AWS::ElastiCache::ReplicationGroup; ElastiCache User Guide, Using service-linked roles",
        ),
        "aws:elasticache/subnetGroup:SubnetGroup": Rights(
            "elasticache", "DescribeCacheSubnetGroups ListTagsForResource",
            "ec2:DescribeSubnets AddTagsToResource CreateCacheSubnetGroup DeleteCacheSubnetGroup "
            "ModifyCacheSubnetGroup",
            "RemoveTagsFromResource ec2:DescribeVpcs", "AWS::ElastiCache::SubnetGroup",
        ),
        "aws:iam/role:Role": Rights(
            "iam", "GetRole ListRoleTags", "CreateRole DeleteRole TagRole UpdateAssumeRolePolicy UpdateRole",
            "ListAttachedRolePolicies ListInstanceProfilesForRole ListRolePolicies UntagRole", "AWS::IAM::Role",
        ),
        "aws:iam/rolePolicy:RolePolicy": Rights("iam", "GetRolePolicy", "DeleteRolePolicy PutRolePolicy"),
        "aws:kms/alias:Alias": Rights(
            "kms", "DescribeKey ListAliases", "CreateAlias DeleteAlias", "UpdateAlias", "AWS::KMS::Alias"
        ),
        "aws:kms/key:Key": Rights(
            "kms", "DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags",
            "CreateKey DisableKeyRotation EnableKeyRotation ScheduleKeyDeletion TagResource UpdateKeyDescription",
            "UntagResource", "AWS::KMS::Key",
        ),
        "aws:kms/keyPolicy:KeyPolicy": Rights("kms", "DescribeKey GetKeyPolicy", "PutKeyPolicy"),
        "aws:rds/instance:Instance": Rights(
            "rds", "DescribeDBInstances ListTagsForResource",
            "AddTagsToResource CreateDBInstance DeleteDBInstance ModifyDBInstance",
            f"CreateDBInstanceReadReplica CreateDBSnapshot RemoveTagsFromResource iam:PassRole {GRANT} {NETWORK} "
            f"{LINKED_ROLE}",
            "AWS::RDS::DBInstance; RDS User Guide, Using service-linked roles",
        ),
        "aws:rds/parameterGroup:ParameterGroup": Rights(
            "rds", "DescribeDBParameterGroups DescribeDBParameters ListTagsForResource",
            "AddTagsToResource CreateDBParameterGroup DeleteDBParameterGroup ModifyDBParameterGroup "
            "ResetDBParameterGroup",
            "RemoveTagsFromResource", "AWS::RDS::DBParameterGroup",
        ),
        "aws:rds/subnetGroup:SubnetGroup": Rights(
            "rds", "DescribeDBSubnetGroups ListTagsForResource",
            "ec2:DescribeSubnets AddTagsToResource CreateDBSubnetGroup DeleteDBSubnetGroup ModifyDBSubnetGroup",
            "RemoveTagsFromResource ec2:DescribeVpcs", "RDS API, CreateDBSubnetGroup",
        ),
        "aws:route53/healthCheck:HealthCheck": Rights(
            "route53", "GetHealthCheck ListTagsForResource",
            "ChangeTagsForResource CreateHealthCheck DeleteHealthCheck ListHealthChecks UpdateHealthCheck",
        ),
        "aws:route53/record:Record": Rights(
            "route53", "GetHostedZone ListResourceRecordSets", "ChangeResourceRecordSets", "GetChange",
            "AWS::Route53::RecordSet",
        ),
        "aws:route53/zone:Zone": Rights(
            "route53", "GetHostedZone ListTagsForResource",
            "ChangeTagsForResource CreateHostedZone DeleteHostedZone ListHostedZones UpdateHostedZoneComment",
            "GetChange ListResourceRecordSets", "AWS::Route53::HostedZone; Route 53 API, DeleteHostedZone",
        ),
        "aws:s3/bucket:Bucket": Rights(
            "s3", "GetBucketLocation GetBucketObjectLockConfiguration GetBucketTagging ListBucket",
            "CreateBucket DeleteBucket ListBucketVersions PutBucketTagging",
            "DeleteObject DeleteObjectVersion GetAccelerateConfiguration GetBucketAcl GetBucketCORS GetBucketLogging "
            "GetBucketPolicy GetBucketRequestPayment GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration "
            "GetLifecycleConfiguration GetReplicationConfiguration ListTagsForResource TagResource UntagResource",
            "terraform-provider-aws internal/service/s3/bucket.go: read, and delete with force_destroy",
        ),
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Rights(
            "s3", "GetLifecycleConfiguration", "PutLifecycleConfiguration"
        ),
        "aws:s3/bucketLogging:BucketLogging": Rights("s3", "GetBucketLogging", "PutBucketLogging"),
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": Rights(
            "s3", "GetBucketObjectLockConfiguration", "PutBucketObjectLockConfiguration"
        ),
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Rights(
            "s3", "GetBucketOwnershipControls", "PutBucketOwnershipControls"
        ),
        "aws:s3/bucketPolicy:BucketPolicy": Rights("s3", "GetBucketPolicy", "DeleteBucketPolicy PutBucketPolicy"),
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Rights(
            "s3", "GetBucketPublicAccessBlock", "PutBucketPublicAccessBlock"
        ),
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Rights(
            "s3", "GetEncryptionConfiguration", "PutEncryptionConfiguration"
        ),
        "aws:s3/bucketVersioning:BucketVersioning": Rights("s3", "GetBucketVersioning", "PutBucketVersioning"),
        "aws:secretsmanager/secret:Secret": Rights(
            "secretsmanager", "DescribeSecret GetResourcePolicy",
            "CreateSecret DeleteSecret TagResource UntagResource UpdateSecret",
        ),
        "aws:secretsmanager/secretVersion:SecretVersion": Rights(
            "secretsmanager", "DescribeSecret GetSecretValue", "PutSecretValue UpdateSecretVersionStage",
            "kms:Decrypt kms:GenerateDataKey", "Secrets Manager User Guide, Permissions for the KMS key",
        ),
        "aws:sns/topic:Topic": Rights(
            "sns", "GetTopicAttributes ListTagsForResource", "CreateTopic DeleteTopic SetTopicAttributes TagResource",
            "UntagResource", "AWS::SNS::Topic",
        ),
        "aws:sns/topicPolicy:TopicPolicy": Rights("sns", "GetTopicAttributes", "SetTopicAttributes"),
        "aws:sns/topicSubscription:TopicSubscription": Rights(
            "sns", "GetSubscriptionAttributes", "SetSubscriptionAttributes Subscribe Unsubscribe"
        ),
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Rights(
            "ec2", "DescribeSecurityGroupRules", "AuthorizeSecurityGroupIngress CreateTags RevokeSecurityGroupIngress",
            "DeleteTags ModifySecurityGroupRules",
            "terraform-provider-aws internal/service/ec2/vpc_security_group_ingress_rule.go",
        ),
    }
)  # fmt: skip
