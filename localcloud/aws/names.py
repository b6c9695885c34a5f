"""The longest names of the AWS resource types we declare, and how the official plugin makes a name that is left out.

The official plugin joins the logical name, a dash and seven random hexadecimal digits, and refuses a result that is
too long (pulumi-terraform-bridge `AutoName`; pulumi SDK `resource.NewUniqueHex`: "name ... plus 7 random chars is
longer than maximum length ..."). Nothing is ever cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from localcloud.provider.resource import AutoName


@dataclass(frozen=True)
class NameLimit:
    """The longest name of one resource type.

    longest: characters, the smaller of AWS' own limit and the official plugin's for automatic names.
    source: the AWS API page or the plugin's source that states it.
    key: input that holds the name.
    lower: whether automatic names are in lower case.
    prefix: text that every name of the type begins with.
    """

    longest: int
    source: str
    key: str = "name"
    lower: bool = False
    prefix: str = ""

    @property
    def rule(self) -> AutoName:
        """The rule as the provider's machinery takes it."""
        return AutoName(self.key, self.longest, self.prefix, self.lower, self.source)


NAME_LIMITS: Final[Mapping[str, NameLimit]] = MappingProxyType(
    {
        "aws:budgets/budget:Budget": NameLimit(100, "Budgets API, Budget.BudgetName"),
        "aws:cloudtrail/trail:Trail": NameLimit(128, "CloudTrail API, CreateTrail.Name"),
        "aws:cloudwatch/metricAlarm:MetricAlarm": NameLimit(255, "CloudWatch API, PutMetricAlarm.AlarmName"),
        "aws:ec2/securityGroup:SecurityGroup": NameLimit(255, "EC2 API, CreateSecurityGroup.GroupName"),
        "aws:elasticache/parameterGroup:ParameterGroup": NameLimit(
            255, "ElastiCache API, CreateCacheParameterGroup.CacheParameterGroupName", lower=True
        ),
        "aws:elasticache/replicationGroup:ReplicationGroup": NameLimit(
            40,
            "ElastiCache API, CreateReplicationGroup.ReplicationGroupId; pulumi-aws provider/resources.go",
            key="replicationGroupId",
            lower=True,
        ),
        "aws:elasticache/subnetGroup:SubnetGroup": NameLimit(
            255, "ElastiCache API, CreateCacheSubnetGroup.CacheSubnetGroupName", lower=True
        ),
        "aws:iam/role:Role": NameLimit(64, "IAM API, CreateRole.RoleName"),
        "aws:iam/rolePolicy:RolePolicy": NameLimit(128, "IAM API, PutRolePolicy.PolicyName"),
        "aws:kms/alias:Alias": NameLimit(256, "KMS API, CreateAlias.AliasName", prefix="alias/"),
        "aws:rds/instance:Instance": NameLimit(
            63, "RDS API, CreateDBInstance.DBInstanceIdentifier", key="identifier", lower=True
        ),
        "aws:rds/parameterGroup:ParameterGroup": NameLimit(
            255, "RDS API, CreateDBParameterGroup.DBParameterGroupName", lower=True
        ),
        "aws:rds/subnetGroup:SubnetGroup": NameLimit(255, "RDS API, CreateDBSubnetGroup.DBSubnetGroupName", lower=True),
        "aws:route53/zone:Zone": NameLimit(255, "Route 53 Developer Guide, DNS domain name format"),
        "aws:s3/bucket:Bucket": NameLimit(63, "Amazon S3 User Guide, Bucket naming rules", key="bucket", lower=True),
        "aws:secretsmanager/secret:Secret": NameLimit(255, "pulumi-aws provider/autonaming.go"),
        "aws:sns/topic:Topic": NameLimit(255, "pulumi-aws provider/autonaming.go"),
    }
)


def named(token: str) -> AutoName:
    """The naming rule of a type. Raises KeyError for a type without a name."""
    return NAME_LIMITS[token].rule
