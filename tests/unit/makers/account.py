"""Makers of what stands in the AWS account: buckets, keys, alarms, roles, the network of stores."""

from __future__ import annotations

from collections.abc import Callable

import pulumi

from components.audit_trail import AuditTrail, AuditTrailArgs
from components.backup_alarms import BackupAlarms, BackupAlarmsArgs
from components.backup_bucket import BackupBucket, BackupBucketArgs
from components.budget import Budget, BudgetArgs
from components.data_network import DataNetwork, DataNetworkArgs
from components.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.file_bucket import FileBucket, FileBucketArgs
from components.log_bucket import LogBucket, LogBucketArgs, Watched
from components.service_role import Grant, ServiceRole, ServiceRoleArgs
from components.store_alarms import Ceiling, StoreAlarms, StoreAlarmsArgs
from stacks.specs.alert import Expectation
from tests.unit.makers import REGION

PROVIDER = "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/A"


def network(name: str) -> DataNetwork:
    return DataNetwork(f"{name}-network", DataNetworkArgs(REGION, "vpc-1", ("subnet-1", "subnet-2"), "sg-1"))


def account() -> pulumi.Output[str]:
    return pulumi.Output.from_input("123456789012")


def log_bucket(name: str) -> LogBucket:
    source = pulumi.Output.from_input(f"{name}-source")
    watched, trail = Watched(source, source), f"{name}-trail"
    return LogBucket(name, LogBucketArgs(REGION, account(), watched, protected=True, trail=trail))


def audit_trail(name: str) -> AuditTrail:
    return AuditTrail(
        name, AuditTrailArgs(REGION, name, account(), pulumi.Output.from_input(f"{name}-logs"), protected=True)
    )


def backup_alarms(name: str) -> BackupAlarms:
    expected = (Expectation("backup", "BackupSucceeded", REGION, 26),)
    return BackupAlarms(name, BackupAlarmsArgs(REGION, "contentgen/test", expected, ("a@example.com",), "page"))


def store_alarms(name: str) -> StoreAlarms:
    ceiling = Ceiling(
        "connections", "AWS/RDS", "DatabaseConnections", {"DBInstanceIdentifier": name}, 80, 5, "a", "page"
    )
    return StoreAlarms(name, StoreAlarmsArgs(REGION, (ceiling,), ("a@example.com",)))


def service_role(name: str) -> ServiceRole:
    return ServiceRole(name, ServiceRoleArgs("shared", name, PROVIDER, (Grant(("s3:GetObject",), ("arn",)),)))


MAKERS: dict[str, Callable[[str], object]] = {
    "audit trail": audit_trail,
    "backup alarms": backup_alarms,
    "backup bucket": lambda name: BackupBucket(name, BackupBucketArgs(REGION, 30, protected=True, lock_days=7)),
    "budget": lambda name: Budget(name, BudgetArgs("product", "stack", 50, ("a@example.com",), REGION)),
    "encryption key": lambda name: EncryptionKey(name, EncryptionKeyArgs(REGION, "data", protected=True)),
    "file bucket": lambda name: FileBucket(name, FileBucketArgs(REGION, "files", {"files": 7}, protected=False)),
    "log bucket": log_bucket,
    "service role": service_role,
    "store alarms": store_alarms,
    "data network": network,
}
TOKENS = {
    "AuditTrail": "contentgen:audit:AuditTrail",
    "BackupAlarms": "contentgen:backup:BackupAlarms",
    "BackupBucket": "contentgen:backup:BackupBucket",
    "Budget": "contentgen:cost:Budget",
    "DataNetwork": "contentgen:data:DataNetwork",
    "EncryptionKey": "contentgen:data:EncryptionKey",
    "FileBucket": "contentgen:storage:FileBucket",
    "LogBucket": "contentgen:audit:LogBucket",
    "ServiceRole": "contentgen:cloud:ServiceRole",
    "StoreAlarms": "contentgen:observability:StoreAlarms",
}
