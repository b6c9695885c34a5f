"""Resource types that hold data: a replacement or deletion of one of them is said first."""

from __future__ import annotations

from typing import Final

from ops.report.events import Change, Operation, Preview

STATEFUL: Final = frozenset(
    {
        "aws:rds/instance:Instance",
        "aws:rds/cluster:Cluster",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:s3/bucket:Bucket",
        "aws:kms/key:Key",
        "aws:secretsmanager/secret:Secret",
        "aws:route53/zone:Zone",
        "kubernetes:apps/v1:StatefulSet",
        "kubernetes:core/v1:PersistentVolumeClaim",
        "kubernetes:core/v1:Namespace",
        "random:index/randomPassword:RandomPassword",
    }
)


def endangered(preview: Preview) -> list[Change]:
    """Resources with data that would be replaced or deleted."""
    lost = (Operation.REPLACE, Operation.DELETE)
    return [one for one in preview.changes if one.operation in lost and one.type in STATEFUL]
