"""A whole stack: what exists once over all regions, and each region."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pulumi

from components.application_keys import ApplicationKeys
from components.arns import account_of
from components.audit_trail import AuditTrail, AuditTrailArgs
from components.backup_alarms import BackupAlarms, BackupAlarmsArgs
from components.backup_bucket import BackupBucket, BackupBucketArgs
from components.budget import Budget, BudgetArgs
from components.file_bucket import FileBucket, FileBucketArgs
from components.log_bucket import LogBucket, LogBucketArgs, Watched
from components.routing import HealthCheck, Routing, RoutingArgs
from infra.settings.stack import NAMESPACE
from stacks.data.stores import rotation_of
from stacks.identity.iam_grants import Backups, Files
from stacks.jobs import heartbeats
from stacks.networking.dns_routing import (
    HEALTH_FAILURES,
    HEALTH_INTERVAL_SECONDS,
    TTL_SECONDS,
    api_name,
    edge_name,
)
from stacks.plan import StackPlan
from stacks.region import RegionalStack, RegionArgs
from stacks.specs.bucket import BucketSpec
from stacks.specs.paths import READY_PATH

BACKUP_RUNBOOK: Final = "docs/environments.md#when-the-alarm-of-the-backups-goes-off"
NO_EDGES: Final[Mapping[str, str]] = MappingProxyType({})


class Providers:
    """Providers of a region's resources: its own cluster, and AWS, which serves every region. ``claims`` are asked
    before a region's namespace is created (stacks.namespace_claim); without the engine there are none.
    """

    def __init__(
        self,
        aws: pulumi.ProviderResource,
        kubernetes: dict[str, pulumi.ProviderResource],
        claims: Mapping[str, pulumi.ResourceHook] = MappingProxyType({}),
    ) -> None:
        self.aws = aws
        self.kubernetes = kubernetes
        self.claims = claims

    def shared(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(providers=[self.aws])

    def of(self, region: str) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(providers=[self.aws, self.kubernetes[region]])


def deploy(
    plan: StackPlan, providers: Providers, *, embedded: bool, edges: Mapping[str, str] = NO_EDGES
) -> dict[str, pulumi.Input[object]]:
    """Declares the stack and returns its outputs. On an ``embedded`` cloud no language model is called, and ``edges``
    are the addresses of its regions' edges.
    """
    name, settings, profile = plan.prefix, plan.settings, plan.profile
    primary = settings.home_region
    bucket = BackupBucket(
        f"{name}-backup",
        BackupBucketArgs(primary, profile.retention_days, profile.protected, profile.lock_days),
        providers.shared(),
    )
    metrics = f"{NAMESPACE}/{plan.stack}"
    files = {spec.name: _files(plan, spec, providers.shared()) for spec in plan.blueprint.buckets}
    _watch(plan, bucket, files, metrics, providers.shared())
    Budget(
        f"{name}-budget",
        BudgetArgs(plan.product, plan.stack, profile.monthly_usd, settings.budget.notify, primary),
        providers.shared(),
    )
    routing = Routing(
        f"{name}-routing",
        RoutingArgs(
            domain=settings.domain,
            edges={region.code: edge_name(region, settings.domain) for region in plan.regions},
            table=plan.records,
            health=HealthCheck(READY_PATH, HEALTH_INTERVAL_SECONDS, HEALTH_FAILURES),
            ttl_seconds=TTL_SECONDS,
            protected=profile.protected,
        ),
        providers.shared(),
    )
    keys = ApplicationKeys(f"{name}-keys", rotation_of(settings))
    for region in plan.regions:
        backups = Backups(bucket.bucket, bucket.arn, bucket.key_arn, primary, metrics)
        args = RegionArgs(
            plan,
            region,
            backups,
            files,
            routing.zone_id,
            keys.values,
            embedded,
            edges,
            providers.claims.get(region.code),
        )
        RegionalStack(f"{name}-{region.code}", args, providers.of(region.code))
    return {
        "page": f"https://{settings.domain}",
        "api": f"https://{api_name(settings.domain)}",
        "edgeRegions": {place: region.code for region in plan.regions for place in region.edges},
        "regions": [region.code for region in plan.regions],
        "backupBucket": bucket.bucket,
        "nameServers": routing.name_servers,
        # Secret: who may read it may speak for any client (`contentgen token`).
        "sessionSecret": keys.values["session_secret"],
    }


def _files(plan: StackPlan, spec: BucketSpec, opts: pulumi.ResourceOptions) -> Files:
    """A bucket of the product, once for all regions."""
    region, purpose = plan.settings.home_region, f"{spec.name} files of {plan.stack}"
    args = FileBucketArgs(region, purpose, {spec.folder: spec.days}, plan.profile.protected)
    made = FileBucket(f"{plan.prefix}-{spec.name}", args, opts)
    return Files(made.bucket, made.arn, made.key_arn, region, spec.folder)


def _watch(
    plan: StackPlan, backups: BackupBucket, files: Mapping[str, Files], metrics: str, opts: pulumi.ResourceOptions
) -> None:
    """Alarms on missing backups, the log of access to them and to the product's files, and, where people rely on the
    stack, the account's audit trail.
    """
    name, settings, profile = plan.prefix, plan.settings, plan.profile
    primary, account = settings.home_region, account_of(backups.key_arn)
    trail = f"{name}-audit" if profile.audited else None
    watched = {key: Watched(one.bucket, one.arn) for key, one in files.items()}
    logs = LogBucket(
        f"{name}-logs",
        LogBucketArgs(primary, account, Watched(backups.bucket, backups.arn), profile.protected, trail, watched),
        opts,
    )
    if trail is not None:
        AuditTrail(trail, AuditTrailArgs(primary, trail, account, logs.bucket, profile.protected), opts)
    expected = tuple(one for region in plan.regions for one in heartbeats(plan.jobs, profile, region.code))
    alarms = BackupAlarmsArgs(primary, metrics, expected, settings.backup.notify, BACKUP_RUNBOOK)
    BackupAlarms(f"{name}-backup-alarms", alarms, opts)
