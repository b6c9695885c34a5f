"""docs/permissions.md: what the deploying, the planning and each pod's identity may do in AWS, from the tables that the
stacks and the embedded AWS go by.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from components.monitoring_role import GRANTS as MONITORING
from components.service_role import Grant
from localcloud.aws.permissions.deploying import PUSHING, deploying_actions, planning_actions, policy
from localcloud.aws.permissions.rights import RIGHTS
from stacks.identity.iam_grants import Backups, Files, backup_grants, bucket_grants, certificate_grants
from stacks.networking.edge import ISSUER_ACCOUNT
from stacks.products.registry import PRODUCTS
from stacks.specs.bucket import BucketSpec
from stacks.specs.job import JobSpec

STACK: Final = "STACK-"
KEYS: Final = "arn:aws:kms:REGION:ACCOUNT:key"
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
            *(row for account, grants in _pods() for row in _rows(account, grants)),
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


def _pods() -> Iterator[tuple[str, tuple[Grant, ...]]]:
    """Service accounts of jobs and workloads with their grants; those that every product has stand once."""
    seen: set[tuple[str, tuple[Grant, ...]]] = set()
    for blueprint in PRODUCTS.values():
        files = {
            one.name: Files(
                one.name, f"arn:aws:s3:::{one.variable}", f"{KEYS}/{one.name.upper()}_KEY", "REGION", one.folder
            )
            for one in blueprint.buckets
        }
        for one in (*blueprint.jobs, *blueprint.workloads):
            kept = backup_grants(BACKUPS, one.backups) if isinstance(one, JobSpec) and one.backups else ()
            grants = (*kept, *(g for name, access in one.buckets.items() for g in bucket_grants(files[name], access)))
            if grants and (one.name, grants) not in seen:
                seen.add((one.name, grants))
                yield one.name, grants


def _files(spec: BucketSpec) -> Files:
    arn, key = f"arn:aws:s3:::{spec.variable}", f"{KEYS}/{spec.name.upper()}_KEY"
    return Files(spec.variable, arn, key, "REGION", spec.folder)


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
