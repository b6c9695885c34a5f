"""docs/permissions.md: what the deploying, the planning and each pod's identity may do in AWS, from the tables that the
stacks and the embedded AWS go by.
"""

from __future__ import annotations

import json
from typing import Final

from components.monitoring_role import GRANTS as MONITORING
from components.service_role import Grant
from localcloud.aws.permissions.deploying import PUSHING, deploying_actions, planning_actions, policy
from localcloud.aws.permissions.rights import RIGHTS
from stacks.identity.iam_grants import Backups, backup_grants, certificate_grants
from stacks.networking.edge import ISSUER_ACCOUNT
from stacks.products.jobs import BACKUP, RESTORE_CHECK
from stacks.specs.job import BackupUse

STACK: Final = "STACK-"
BACKUPS: Final = Backups(
    "BUCKET", "arn:aws:s3:::BUCKET", "arn:aws:kms:REGION:ACCOUNT:key/KEY", "REGION", "PRODUCT/STACK"
)


def permissions_page() -> str:
    """The page."""
    return "\n".join(
        [
            "# Permissions",
            "",
            "What each identity may do in AWS. The embedded cloud evaluates every call of these identities against the",
            "same policies and refuses what they do not allow; a test takes every action away once and sees the",
            "refusal. Made by `make generated`.",
            "",
            "## Identity that deploys",
            "",
            "The role of `AWS_DEPLOY_ROLE`. Replace STACK by the begin of the names of the stack's resources: its own",
            "name, with the product's short word for the product (`workflows-prod` for `workflow-dashboard-prod`).",
            "Buckets and roles of other names are out of reach, and no role is passed but to RDS' monitoring.",
            "",
            *_document(policy(deploying_actions(), STACK)),
            "",
            "## Identity that plans",
            "",
            "The role of `AWS_PLAN_ROLE`, for plans and drift reports: it reads everything back, the values of secrets",
            "included, and changes nothing.",
            "",
            *_document(policy(planning_actions(), STACK)),
            "",
            "In each cluster both need an access entry. A preview by server-side apply is a PATCH with a dry run,",
            "which Kubernetes authorizes like a real one: the planning identity may create and patch in the",
            "namespace.",
            "",
            "## Identity that pushes the image",
            "",
            "The role of `AWS_IMAGE_ROLE`: it pushes to the repository, and reads what the registry's scan found.",
            "",
            *_document(policy(PUSHING, STACK)),
            "",
            "## Identities of pods",
            "",
            "Each is one service account's, by web identity (`clusters.<region>.oidc_provider`); the program makes",
            "them.",
            "",
            "| service account | actions | resources | condition |",
            "| --- | --- | --- | --- |",
            *_rows(BACKUP.name, backup_grants(BACKUPS, BackupUse.WRITES)),
            *_rows(RESTORE_CHECK.name, backup_grants(BACKUPS, BackupUse.READS)),
            *_rows(ISSUER_ACCOUNT, certificate_grants("ZONE")),
            "",
            "RDS writes the database servers' operating-system metrics with this policy:",
            "",
            *_document(MONITORING),
            "",
            "## By resource type",
            "",
            "Where the official plugin needs more than the embedded AWS is asked for, the source says so.",
            "",
            "| type | reads | changes | besides | source of what is needed besides |",
            "| --- | --- | --- | --- | --- |",
            *(
                f"| {token} | {row.reads} | {row.changes} | {row.beside or '-'} | {row.source or '-'} |"
                for token, row in sorted(RIGHTS.items())
            ),
            "",
        ]
    )


def _document(text: str) -> list[str]:
    return ["```json", *json.dumps(json.loads(text), indent=2).splitlines(), "```"]


def _rows(account: str, grants: tuple[Grant, ...]) -> list[str]:
    return [
        f"| {account} | {', '.join(one.actions)} | {', '.join(str(resource) for resource in one.resources)} | "
        f"{_condition(one)} |"
        for one in grants
    ]


def _condition(grant: Grant) -> str:
    return "; ".join(f"{operator} {key} {', '.join(values)}" for operator, key, values in grant.condition) or "-"
