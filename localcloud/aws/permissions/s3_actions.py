"""Permission of each S3 operation that has another name than its permission (Service Authorization Reference, "Actions,
resources, and condition keys for Amazon S3"; Amazon S3 User Guide, "Required permissions for Amazon S3 API
operations").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WRITES: Final = frozenset(
    {"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "CopyObject", "UploadPartCopy"}
)
READS: Final = frozenset({"GetObject", "HeadObject", "GetObjectAttributes"})
MULTIPART: Final = frozenset({"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "UploadPartCopy"})
"""With a KMS key they read too (Amazon S3 User Guide, "Uploading objects with multipart upload": kms:Decrypt)."""

ACTIONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(WRITES, "PutObject"),
    **dict.fromkeys(READS, "GetObject"),
    **dict.fromkeys(("HeadBucket", "ListObjects", "ListObjectsV2"), "ListBucket"),
    "ListBuckets": "ListAllMyBuckets",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
    "DeleteObjects": "DeleteObject",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketTagging": "PutBucketTagging",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketReplication": "GetReplicationConfiguration",
    "PutBucketReplication": "PutReplicationConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
}
VERSIONED: Final = frozenset({"GetObject", "DeleteObject", "GetObjectAcl", "GetObjectTagging"})
"""With a version's id the permission is another one: GetObjectVersion and so on."""


def action_of(operation: str, *, version: bool) -> str:
    """The permission that an operation needs, without the prefix."""
    action = ACTIONS.get(operation, operation)
    if version and action in VERSIONED:
        return action.replace("Object", "ObjectVersion", 1)
    return action
