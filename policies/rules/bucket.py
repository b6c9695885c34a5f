"""Buckets: closed, encrypted, versioned, aged out, watched. A bucket is tied to what belongs to it by dependency,
because its name is AWS's choice and no preview knows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pulumi_policy import Severity

from policies.reading import Properties, Value, at, later, mapping, mappings, number, shown, text
from policies.rule import Assignment, Break, Judged, Resource, ResourceRule, StackRule, Violation, each
from policies.statements import NotADocument, Statement, every, statements
from policies.tunables import Kind, Settings, Tunable

BUCKET: Final = "aws:s3/bucket:Bucket"
ACCESS: Final = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
OWNERSHIP: Final = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
POLICY: Final = "aws:s3/bucketPolicy:BucketPolicy"
ENCRYPTION: Final = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
VERSIONING: Final = "aws:s3/bucketVersioning:BucketVersioning"
LIFECYCLE: Final = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
LOGGING: Final = "aws:s3/bucketLogging:BucketLogging"
LOCK: Final = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
ACL: Final = "aws:s3/bucketAcl:BucketAcl"
CLOSED_ACLS: Final = ("", "private", "log-delivery-write", "bucket-owner-full-control", "bucket-owner-read")
OPEN_GROUPS: Final = ("AllUsers", "AuthenticatedUsers")
TARGET: Final = "targetBucket"
FLAGS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _settings(resource: Resource, settings: Settings) -> Iterator[str]:
    properties = resource.properties
    if resource.type == ACCESS:
        yield from (
            f"{flag} is {shown(properties.get(flag))}; allowed is true"
            for flag in FLAGS
            if properties.get(flag) is not True
        )
    elif resource.type == OWNERSHIP:
        owner = at(properties, "rule", "objectOwnership")
        if owner != "BucketOwnerEnforced":
            yield f"rule.objectOwnership is {shown(owner)}; allowed is BucketOwnerEnforced"
    elif resource.type == ACL:
        yield from _granted(properties)
    elif resource.type == BUCKET:
        if text(properties.get("acl")) not in CLOSED_ACLS:
            yield f"acl is {shown(properties.get('acl'))}; allowed is private"
    elif not _tls_only(later(properties, "policy"), text(later(properties, "bucket"))):
        yield "the policy has no Deny of every call where aws:SecureTransport is false"


def _granted(acl: Properties) -> Iterator[str]:
    if text(acl.get("acl")) not in CLOSED_ACLS:
        yield f"acl is {shown(acl.get('acl'))}; allowed is private"
    for one in mappings(at(acl, "accessControlPolicy", "grants")):
        if text(at(one, "grantee", "uri")).rpartition("/")[2] in OPEN_GROUPS:
            yield f"grants {shown(one.get('permission'))} to {text(at(one, 'grantee', 'uri')).rpartition('/')[2]}"


def _close(resource: Resource) -> Iterator[Assignment]:
    if resource.type == ACCESS:
        yield from ((f"/{flag}", True) for flag in FLAGS)
    elif resource.type == OWNERSHIP:
        yield "/rule/objectOwnership", "BucketOwnerEnforced"


def _tls_only(policy: Value, bucket: str) -> bool:
    """True if a policy refuses plain HTTP to every object; one that names its bucket is known at the update only."""
    objects = f":::{bucket}/*" if bucket else "/*"
    if policy is None:
        return True
    try:
        found = statements(policy, "policy")
    except NotADocument:
        return False
    return any(
        not one.allows
        and one.everybody
        and not one.excepted
        and any(action in ("s3:*", "*") for action in one.actions)
        and any(resource == "*" or resource.endswith(objects) for resource in one.resources)
        and _is_plain(one)
        for one in found
    )


def _is_plain(statement: Statement) -> bool:
    """True if its only condition is that a call is not by TLS."""
    return [
        (operator, key.lower(), value)
        for operator, keys in statement.conditions.items()
        for key in keys
        for value in (every(keys.get(key)) or (shown(keys.get(key)).lower(),))
    ] == [("Bool", "aws:securetransport", "false")]


def _encrypted(resource: Resource, settings: Settings) -> Iterator[str]:
    properties = resource.properties
    if resource.type == VERSIONING:
        status = at(properties, "versioningConfiguration", "status")
        if status != "Enabled":
            yield f"versioningConfiguration.status is {shown(status)}; allowed is Enabled"
        return
    logs = settings.text("logs") in re.split(r"[-_.]", resource.name)
    for index, rule in enumerate(mappings(properties.get("rules")) or [{}]):
        algorithm = at(rule, "applyServerSideEncryptionByDefault", "sseAlgorithm")
        if logs and algorithm != "AES256":
            yield f"rules[{index}] encrypts by {shown(algorithm)}; allowed for access logs is AES256: S3 loses others"
        if not logs and algorithm != "aws:kms":
            yield f"rules[{index}] encrypts by {shown(algorithm)}; allowed is aws:kms, with a key of one's own"
        if rule.get("bucketKeyEnabled") is not True:
            yield f"rules[{index}].bucketKeyEnabled is not true; without it every object costs a call to the key"


def _aged_out(resource: Resource, settings: Settings) -> Iterator[str]:
    rules = [one for one in mappings(resource.properties.get("rules")) if one.get("status") == "Enabled"]
    most, abort = settings.number("days"), settings.number("abortDays")
    expiries = [number(at(one, "expiration", "days")) for one in rules if one.get("expiration") is not None]
    if not expiries:
        yield "no rule expires objects, so they stay and cost for ever"
    for days in expiries:
        if days is None or days > most:
            yield f"a rule expires objects after {shown(days)} days; the limit is {most:g}"
    old = [number(at(one, "noncurrentVersionExpiration", "noncurrentDays")) for one in rules]
    if not any(old):
        yield "no rule expires old versions, so what is overwritten or deleted stays for ever"
    for days in old:
        if days is not None and days > most:
            yield f"a rule expires old versions after {days:g} days; the limit is {most:g}"
    ends = [number(at(one, "abortIncompleteMultipartUpload", "daysAfterInitiation")) for one in rules]
    if not any(days is not None and days <= abort for days in ends):
        yield f"no rule ends unfinished uploads within {abort:g} days"


BESIDE: Final = (ACCESS, OWNERSHIP, POLICY, ENCRYPTION, VERSIONING, LIFECYCLE)


def _is_of(one: Resource, bucket: Resource) -> bool:
    """True if a resource is about this bucket: by what its ``bucket`` refers to, or by the bucket's name."""
    name = later(bucket.properties, "bucket")
    if name is not None and later(one.properties, "bucket") == name:
        return True
    return bucket.urn in one.tied.get("bucket", one.depends_on)


def _complete(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    def judged(bucket: Resource) -> Iterator[Judged]:
        there = {one.type for one in resources if _is_of(one, bucket)}
        for type_ in BESIDE:
            if type_ not in there:
                yield Violation(f"has no {type_.rpartition(':')[2]}", bucket)

    yield from each([one for one in resources if one.type == BUCKET], judged)


def _logged(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    """A bucket that takes the logs of others keeps none of its own: that would never end."""
    logging = [one for one in resources if one.type == LOGGING]
    touched = {urn for one in logging for urn in _logs_of(one)}

    def judged(bucket: Resource) -> Iterator[Judged]:
        if any(bucket.urn in one.tied.get("bucket", ()) and bucket.urn in one.tied.get(TARGET, ()) for one in logging):
            yield Violation("its log goes into itself, so every entry makes another", bucket)
        own = mapping(later(bucket.properties, "logging")) or mappings(later(bucket.properties, "loggings"))
        if (
            not own
            and bucket.urn not in touched
            and not any(_is_of(one, bucket) or _takes(one, bucket) for one in logging)
        ):
            yield Violation("has no BucketLogging; declare one with a bucket for logs", bucket)

    yield from each([one for one in resources if one.type == BUCKET], judged)


def _logs_of(logging: Resource) -> frozenset[str]:
    """The bucket that is logged and the one that takes the log; else all that must be there before."""
    if not logging.tied:
        return logging.depends_on
    return logging.tied.get("bucket", frozenset()) | logging.tied.get(TARGET, frozenset())


def _takes(logging: Resource, bucket: Resource) -> bool:
    """True if a bucket is the target of access logs, by its name."""
    name = later(bucket.properties, "bucket")
    return name is not None and later(logging.properties, TARGET) == name


def _locked(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    if not settings.flag("required"):
        return
    locks = [one for one in resources if one.type == LOCK]
    least = settings.number("leastDays")

    def judged(bucket: Resource) -> Iterator[Judged]:
        days = [_retained(one) for one in locks if _is_of(one, bucket)]
        if not any(days):
            yield Violation("has no default retention, so any leaked key can delete its backups", bucket)
        elif max(days) < least:
            yield Violation(
                f"its backups can be deleted after {max(days):g} days; it must be {least:g} or more", bucket
            )

    backups = [one for one in resources if one.type == BUCKET and settings.text("name") in one.name]
    yield from each(backups, judged)


def _retained(lock: Resource) -> float:
    """The default retention in days; S3 takes days or years."""
    retention = mapping(at(lock.properties, "rule", "defaultRetention"))
    return (number(retention.get("days")) or 0) + 365 * (number(retention.get("years")) or 0)


CLOSED_BUCKET: Final = ResourceRule(
    id="DAT-01",
    name="closed-bucket",
    severity=Severity.CRITICAL,
    says="Buckets block public access, are owned by one account, and accept TLS only.",
    why="A bucket that was opened by mistake is copied within hours.",
    fix="Set all four flags, BucketOwnerEnforced, and the policy that denies plain HTTP.",
    source="Checkov CKV_AWS_53-56, CKV2_AWS_6, CKV2_AWS_65, CKV_AWS_379; CIS AWS 2.1",
    types=(ACCESS, OWNERSHIP, POLICY, ACL, BUCKET),
    check=_settings,
    remedy=_close,
    breaks=(
        Break("bucket public access", "/blockPublicAcls", False),
        Break("bucket public access", "/restrictPublicBuckets"),
        Break("bucket ownership", "/rule/objectOwnership", "ObjectWriter"),
        Break("bucket ownership", "/rule"),
        Break("bucket policy", "/policy", '{"Statement": []}', later=True),
        Break("bucket policy", "/policy", "not a document", later=True),
    ),
)

COMPLETE_BUCKET: Final = StackRule(
    id="DAT-01, DAT-02",
    name="complete-bucket",
    severity=Severity.CRITICAL,
    says="Every bucket has its access block, ownership, policy, encryption, versioning and lifecycle.",
    why="A bucket without them is open, in clear, or overwritten for good; AWS's defaults have changed before.",
    fix="Declare them beside the bucket.",
    source="Checkov CKV2_AWS_6, CKV_AWS_145, CKV_AWS_21, CKV2_AWS_61",
    types=(BUCKET, *BESIDE),
    check=_complete,
    breaks=tuple(
        Break(f"bucket {what}", "")
        for what in ("public access", "ownership", "policy", "encryption", "versioning", "lifecycle")
    ),
)

ENCRYPTED_BUCKET: Final = ResourceRule(
    id="DAT-02",
    name="encrypted-bucket",
    severity=Severity.HIGH,
    says="Buckets encrypt with a key of one's own and keep old versions; one for access logs with S3's own key.",
    why="Who may use the key may read the data, whatever the bucket's policy says; versions undo mistakes.",
    fix="Set aws:kms with bucketKeyEnabled, and versioning Enabled; AES256 where S3 delivers access logs.",
    source="Checkov CKV_AWS_145, CKV_AWS_21; Amazon S3 User Guide, enabling server access logging",
    types=(ENCRYPTION, VERSIONING),
    check=_encrypted,
    tunables=(Tunable("logs", Kind.TEXT, "logs", "what the names of buckets for access logs hold"),),
    breaks=(
        Break("bucket encryption", "/rules/0/applyServerSideEncryptionByDefault/sseAlgorithm", "AES256"),
        Break("bucket encryption", "/rules/0/bucketKeyEnabled"),
        Break("log bucket encryption", "/rules/0/applyServerSideEncryptionByDefault/sseAlgorithm", "aws:kms"),
        Break("bucket encryption", "/rules"),
        Break("bucket versioning", "/versioningConfiguration/status", "Suspended"),
        Break("bucket versioning", "/versioningConfiguration"),
    ),
)

AGED_OUT: Final = ResourceRule(
    id="DAT-03",
    name="bucket-lifecycle",
    severity=Severity.HIGH,
    says="Objects, old versions and unfinished uploads expire.",
    why="Objects without an expiry are paid for every month, and personal data stays longer than promised.",
    fix="Add rules for expiration, noncurrent versions and unfinished uploads.",
    source="Checkov CKV2_AWS_61, CKV_AWS_300",
    types=(LIFECYCLE,),
    check=_aged_out,
    tunables=(
        Tunable("days", Kind.NUMBER, 365, "longest time an object may stay"),
        Tunable("abortDays", Kind.NUMBER, 7, "longest time an unfinished upload may stay"),
    ),
    breaks=(
        Break("bucket lifecycle", "/rules/0/expiration/days", 3650),
        Break("bucket lifecycle", "/rules/0/status", "Disabled"),
        Break("bucket lifecycle", "/rules/1/noncurrentVersionExpiration"),
        Break("bucket lifecycle", "/rules/1/abortIncompleteMultipartUpload/daysAfterInitiation", 30),
        Break("bucket lifecycle", "/rules"),
    ),
)

LOGGED_BUCKET: Final = StackRule(
    id="DAT-02b",
    name="bucket-access-log",
    severity=Severity.MEDIUM,
    says="Every bucket writes down who reads and changes it.",
    why="After an incident it is the only answer to what was taken.",
    fix="Declare a BucketLogging with a bucket for logs.",
    source="Checkov CKV_AWS_18",
    types=(BUCKET, LOGGING),
    check=_logged,
    breaks=(Break("bucket logging", ""),),
)

LOCKED_BACKUP: Final = StackRule(
    id="DAT-03b",
    name="locked-backups",
    severity=Severity.HIGH,
    says="Backups cannot be deleted before their time.",
    why="Extortion begins with deleting the backups.",
    fix="Declare a BucketObjectLockConfiguration with a default retention no longer than the lifecycle's.",
    source="Checkov CKV_AWS_143",
    types=(BUCKET, LOCK),
    check=_locked,
    tunables=(
        Tunable("required", Kind.FLAG, True, "whether people rely on the stack's backups"),
        Tunable("name", Kind.TEXT, "backup", "what the names of backup buckets hold"),
        Tunable("leastDays", Kind.NUMBER, 7, "least days of object lock on a backup"),
    ),
    breaks=(Break("bucket lock", ""), Break("bucket lock", "/rule")),
)

AREA: Final = "Buckets"
RULES: Final = (CLOSED_BUCKET, COMPLETE_BUCKET, ENCRYPTED_BUCKET, AGED_OUT, LOGGED_BUCKET, LOCKED_BACKUP)
