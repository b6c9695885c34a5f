"""Taking the embedded cloud's brakes off before it is destroyed: its data goes with it, as a real one's must not."""

from __future__ import annotations

from botocore.config import Config

from localcloud.aws.session import owners_session
from localcloud.cloudfile import CloudFile

_RETRY = Config(retries={"max_attempts": 2})


def release(described: CloudFile) -> None:
    """Ends deletion protection, access logs and locks, and empties buckets, in every region of the cloud."""
    for region in described.regions:
        session = owners_session(region.name)
        databases = session.client("rds", endpoint_url=described.aws_endpoint, config=_RETRY)
        for instance in databases.describe_db_instances()["DBInstances"]:
            if instance["DeletionProtection"]:
                databases.modify_db_instance(
                    DBInstanceIdentifier=instance["DBInstanceIdentifier"],
                    DeletionProtection=False,
                    ApplyImmediately=True,
                )
        storage = session.resource("s3", endpoint_url=described.aws_endpoint, config=_RETRY)
        for bucket in storage.buckets.all():
            # Access logs of the destruction itself would fill a bucket again, and a lock keeps what it was told to.
            bucket.Logging().put(BucketLoggingStatus={})
        for bucket in storage.buckets.all():
            bucket.object_versions.delete(BypassGovernanceRetention=True)
