"""The identity with which RDS writes a database's operating-system metrics, every minute (requirement P03)."""

from __future__ import annotations

import json
from typing import Final

import pulumi
import pulumi_aws.iam as iam

INTERVAL_SECONDS: Final = 60
LOG_GROUP: Final = "arn:aws:logs:*:*:log-group:RDS*"
TRUST: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "monitoring.rds.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
GRANTS: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogGroup", "logs:PutRetentionPolicy"],
                "Resource": [LOG_GROUP],
            },
            {
                "Effect": "Allow",
                "Action": [
                    "logs:CreateLogStream",
                    "logs:PutLogEvents",
                    "logs:DescribeLogStreams",
                    "logs:GetLogEvents",
                ],
                "Resource": [f"{LOG_GROUP}:log-stream:*"],
            },
        ],
    }
)
"""Permissions of AWS's own policy for this service, and none beside them."""


def monitoring_role(name: str, parent: pulumi.Resource) -> pulumi.Output[str]:
    """The role's ARN, usable once its grants are there."""
    child = pulumi.ResourceOptions(parent=parent)
    role = iam.Role(f"{name}-monitoring", assume_role_policy=TRUST, opts=child)
    grants = iam.RolePolicy(f"{name}-monitoring-grants", role=role.name, policy=GRANTS, opts=child)
    return pulumi.Output.all(role.arn, grants.id).apply(lambda found: str(found[0]))
