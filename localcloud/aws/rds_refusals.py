"""Refusals of RDS that depend on an instance's other inputs, on its source, or on what it was before."""

from __future__ import annotations

from collections.abc import Iterable

from localcloud.provider.block import Block
from localcloud.provider.resource import Problem, ProviderError

DEFERRED = frozenset({"allocatedStorage", "engineVersion", "instanceClass", "multiAz", "storageType", "iops"})
"""Changes that wait for the maintenance window unless applyImmediately is true (RDS User Guide, Schedule modifications
setting)."""


def refuse_impossible(before: Block, after: Block) -> None:
    """Raises ProviderError for a change that RDS never makes."""
    size, wanted = before.number("allocatedStorage"), after.number("allocatedStorage", 0)
    if wanted and wanted < size:
        raise ProviderError(
            f"allocatedStorage is {wanted} and was {size}; RDS never shrinks storage (RDS API, "
            f"ModifyDBInstance.AllocatedStorage). Fix: keep {size}, or restore a dump into a smaller instance"
        )
    old, new = (one.text("engineVersion").split(".")[0] for one in (before, after))
    if old and new and old != new:
        raise ProviderError(
            f"engineVersion is {after.text('engineVersion')} and was {before.text('engineVersion')}; a major upgrade "
            "needs allowMajorVersionUpgrade (RDS API, InvalidParameterCombination), which this provider does not have"
        )


def instance_problems(inputs: Block) -> Iterable[Problem]:
    """Inputs of a single instance that RDS refuses."""
    if not inputs.has("replicateSourceDb"):
        for name in ("engine", "allocatedStorage", "username", "password"):
            if not inputs.has(name):
                yield Problem(name, f"an RDS instance that is no replica needs {name!r}")
    for name in ("username", "password", "dbName"):
        if inputs.has("replicateSourceDb") and inputs.has(name):
            yield Problem(name, f"a replica takes {name!r} from its source; leave it out")
    if (
        inputs.has("replicateSourceDb")
        and inputs.has("kmsKeyId")
        and not in_another_region(inputs.text("replicateSourceDb"))
    ):
        yield Problem(
            "kmsKeyId",
            "kmsKeyId is set on a replica in its source's region, which takes the source's key; RDS answers "
            "InvalidParameterCombination (RDS API, CreateDBInstanceReadReplica.KmsKeyId). Fix: leave it out",
        )
    if inputs.has("password") and not inputs.is_unknown("password") and not 8 <= len(inputs.text("password")) <= 128:
        yield Problem("password", f"password has {len(inputs.text('password'))} characters; RDS allows 8 to 128")
    if not 0 <= inputs.number("backupRetentionPeriod") <= 35:
        yield Problem(
            "backupRetentionPeriod",
            f"backupRetentionPeriod is {inputs.number('backupRetentionPeriod')}; RDS allows 0 to 35 days",
        )


def in_another_region(source: str) -> bool:
    """True if a replica's source is in another region: it is then named by ARN, else by identifier."""
    return source.startswith("arn:")


def require_backups(source: str, found: Block | None) -> None:
    """Raises ProviderError for a source in this region that has no backups to start a replica from."""
    if found is not None and found.number("BackupRetentionPeriod") == 0:
        raise ProviderError(
            f"replicateSourceDb is {source}, whose backupRetentionPeriod is 0; a source needs automated backups (RDS "
            "API, CreateDBInstanceReadReplica, InvalidDBInstanceState). Fix: set it to 1 to 35 days"
        )
