"""The providers of a stack: real AWS and clusters, or the embedded cloud's."""

from __future__ import annotations

from typing import Final

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from infra.catalog.regions import in_priority_order
from infra.settings.clusters import ClusterSettings
from infra.settings.stack import StackSettings
from infra.target import EmbeddedCloud

SERVICES: Final = (
    "budgets", "cloudtrail", "cloudwatch", "ec2", "elasticache", "iam", "kms", "rds", "route53", "s3",
    "secretsmanager", "sns", "sts",
)  # fmt: skip
EMBEDDED_KEY: Final = "deploying"
"""Access key of the embedded cloud's deploying identity, whose policy is that of docs/permissions.md."""


def aws_provider(
    settings: StackSettings, default_tags: dict[str, str], cloud: EmbeddedCloud | None
) -> pulumi.ProviderResource:
    """One AWS provider for every region: each resource carries its own."""
    region = in_priority_order(settings.regions)[0].code
    tags = aws.ProviderDefaultTagsArgs(tags=default_tags)
    if cloud is None:
        allowed = [settings.account] if settings.account else None
        return aws.Provider("aws", region=region, default_tags=tags, allowed_account_ids=allowed)
    return aws.Provider(
        "aws",
        region=region,
        default_tags=tags,
        access_key=EMBEDDED_KEY,
        secret_key=EMBEDDED_KEY,
        endpoints=[aws.ProviderEndpointArgs(**dict.fromkeys(SERVICES, cloud.aws_endpoint))],
        skip_credentials_validation=True,
        skip_metadata_api_check=True,
        skip_requesting_account_id=True,
        skip_region_validation=True,
        s3_use_path_style=True,
    )


def kubernetes_providers(
    stack: str, settings: StackSettings, cloud: EmbeddedCloud | None
) -> dict[str, pulumi.ProviderResource]:
    """A provider a region. The identifier keeps objects when a cluster's address changes."""
    return {
        region: kubernetes.Provider(
            f"kubernetes-{region}",
            cluster_identifier=f"{stack}-{region}",
            kubeconfig=cloud.kubeconfigs[region] if cloud else None,
            context=None if cloud else settings.clusters.get(region, ClusterSettings()).context,
        )
        for region in settings.regions
    }
