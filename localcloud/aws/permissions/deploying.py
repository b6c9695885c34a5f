"""The policies of the identity that deploys and of the one that plans, made from the rights of every type declared."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Final

from moto.core import DEFAULT_ACCOUNT_ID

from localcloud.aws.permissions.rights import RIGHTS

DEPLOYING_KEY: Final = "deploying"
PLANNING_KEY: Final = "planning"
"""Access keys of the two identities on the embedded AWS."""
PASSED_TO: Final = "monitoring.rds.amazonaws.com"
READ_SECRETS: Final = frozenset({"kms:Decrypt"})
"""Needed to read back a secret that a key of ours encrypts."""
COMMANDS: Final = frozenset({"cloudwatch:DescribeAlarms", "eks:DescribeCluster"})
"""Actions of the commands around the engine: where the clusters are, and which alarms are on during a release."""
PUSHING: Final = frozenset(
    {
        "ecr:BatchCheckLayerAvailability",
        "ecr:CompleteLayerUpload",
        "ecr:DescribeImageScanFindings",
        "ecr:DescribeImages",
        "ecr:GetAuthorizationToken",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
    }
)
"""To push an image and read its scan (ECR user guide, "IAM permissions for pushing an image")."""
INVENTORY: Final = frozenset({"tag:GetResources"})
"""Needed by a drift report, to find what is in the account under a stack's tags and not in its state."""
LINKED_TO: Final = ("rds.amazonaws.com", "elasticache.amazonaws.com")


def deploying_actions() -> frozenset[str]:
    """Every permission of the deploying identity."""
    return frozenset().union(COMMANDS, *(one.of_deployment for one in RIGHTS.values()))


def planning_actions() -> frozenset[str]:
    """Every permission of the planning identity: to read back what is deployed, and what else is there."""
    return frozenset().union(READ_SECRETS, COMMANDS, INVENTORY, *(one.of_plan for one in RIGHTS.values()))


def policy(actions: Collection[str], names: str) -> str:
    """A policy document of these actions. Buckets and roles are narrowed to those whose names begin with ``names``,
    because the right to write policies into any role, or to pass any, is every right.
    """
    groups: dict[str, list[str]] = {}
    for action in sorted(actions):
        groups.setdefault(_group(action), []).append(action)
    statements = [_statement(group, listed, names) for group, listed in sorted(groups.items())]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def standing(names: str) -> Mapping[str, tuple[str, str]]:
    """Both identities of the embedded AWS: ARN and policy document by access key."""
    role = f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role"
    return {
        DEPLOYING_KEY: (f"{role}/{DEPLOYING_KEY}", policy(deploying_actions(), names)),
        PLANNING_KEY: (f"{role}/{PLANNING_KEY}", policy(planning_actions(), names)),
    }


def _group(action: str) -> str:
    match action.partition(":"):
        case (_, _, "PassRole"):
            return "RolesPassed"
        case (_, _, "CreateServiceLinkedRole"):
            return "RolesLinked"
        case ("iam", _, _):
            return "Roles"
        case ("s3", _, _):
            return "Buckets"
        case _:
            return "Others"


def _statement(group: str, actions: list[str], names: str) -> dict[str, object]:
    statement: dict[str, object] = {"Sid": group, "Effect": "Allow", "Action": actions, "Resource": "*"}
    match group:
        case "Buckets":
            statement["Resource"] = f"arn:aws:s3:::{names}*"
        case "Roles":
            statement["Resource"] = f"arn:aws:iam::*:role/{names}*"
        case "RolesPassed":
            statement["Resource"] = f"arn:aws:iam::*:role/{names}*"
            statement["Condition"] = {"StringEquals": {"iam:PassedToService": PASSED_TO}}
        case "RolesLinked":
            statement["Condition"] = {"StringEquals": {"iam:AWSServiceName": list(LINKED_TO)}}
        case _:
            pass
    return statement
