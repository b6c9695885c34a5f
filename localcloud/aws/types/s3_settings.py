"""S3: the settings of a bucket, each a resource of its own whose id is the bucket's name (requirement W04)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from localcloud.aws.scope import Aws
from localcloud.aws.spelling import Spelling
from localcloud.aws.types.s3 import MISSING
from localcloud.provider.block import Block
from localcloud.provider.resource import Created, ResourceType
from localcloud.provider.values import Properties, Value

SPELLING = Spelling(
    exceptions={"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID", "id": "ID"},
    tag_maps=frozenset({"tags"}),
)
LOGGING = {"targetBucket": "TargetBucket", "targetPrefix": "TargetPrefix"}
PUBLIC_ACCESS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


@dataclass(frozen=True)
class Setting:
    """One setting of a bucket: which operations put, get and remove it, and how its properties are written."""

    token: str
    inputs: frozenset[str]
    put: str
    get: str
    remove: str
    parameters: Callable[[Block], Properties]
    outputs: Callable[[Block], Properties | None]
    removal: Properties = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    defaults: Properties = field(default_factory=dict)

    def resource(self) -> ResourceType[Aws]:
        """The table entry. Putting a setting replaces it whole, so create and update are one call."""

        def put(aws: Aws, bucket: str, inputs: Block) -> None:
            aws.call("s3", self.put, Bucket=bucket, **self.parameters(inputs))

        def create(aws: Aws, inputs: Block) -> Created:
            put(aws, inputs.text("bucket"), inputs)
            return Created(inputs.text("bucket"))

        def read(aws: Aws, bucket: str, _: Block) -> Properties | None:
            answer = aws.find(MISSING | self.absent, "s3", self.get, Bucket=bucket)
            found = self.outputs(answer) if answer else None
            return None if found is None else {"bucket": bucket, "region": aws.region, **found}

        def update(aws: Aws, bucket: str, _: Block, inputs: Block) -> None:
            put(aws, bucket, inputs)

        def delete(aws: Aws, bucket: str, _: Block) -> None:
            aws.remove(MISSING | self.absent, "s3", self.remove, Bucket=bucket, **self.removal)

        return ResourceType(
            token=self.token,
            inputs=self.inputs | {"bucket", "region"},
            replace_on=frozenset({"bucket", "region"}),
            defaults=self.defaults,
            create=create,
            read=read,
            update=update,
            delete=delete,
        )


def _versioning(answer: Block) -> Properties | None:
    status = answer.text("Status")
    return {"versioningConfiguration": {"status": status}} if status else None


def _logging(answer: Block) -> Properties | None:
    found = answer.block("LoggingEnabled").named(LOGGING)
    return found or None


def _lock(answer: Block) -> Properties | None:
    """S3 states the period it was not given as well, as none."""
    lock = answer.block("ObjectLockConfiguration")
    retention = lock.block("Rule").block("DefaultRetention").values
    stated: Properties = {name: value for name, value in retention.items() if value}
    rule: Properties = {"rule": {"defaultRetention": SPELLING.from_api(stated)}} if stated else {}
    return {"objectLockEnabled": lock.text("ObjectLockEnabled"), **rule}


def _lifecycle_rule(rule: Block) -> Value:
    """S3 wants a filter or a prefix in every rule; the official provider adds the one that matches everything."""
    whole = rule if rule.has("filter") or rule.has("prefix") else rule.merged({"filter": {"prefix": ""}})
    return SPELLING.to_api(dict(whole.values))


def _rules(name: str) -> Callable[[Block], Properties | None]:
    def outputs(answer: Block) -> Properties | None:
        return {
            "rules": SPELLING.from_api(answer.block(name).values.get("Rules") if name else answer.values.get("Rules"))
        }

    return outputs


SETTINGS = (
    Setting(
        token="aws:s3/bucketVersioning:BucketVersioning",
        inputs=frozenset({"versioningConfiguration"}),
        put="put_bucket_versioning",
        get="get_bucket_versioning",
        remove="put_bucket_versioning",
        removal={"VersioningConfiguration": {"Status": "Suspended"}},
        parameters=lambda given: {
            "VersioningConfiguration": SPELLING.to_api(dict(given.block("versioningConfiguration").values))
        },
        outputs=_versioning,
    ),
    Setting(
        token="aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        inputs=frozenset({"rules"}),
        put="put_bucket_encryption",
        get="get_bucket_encryption",
        remove="delete_bucket_encryption",
        absent=frozenset({"ServerSideEncryptionConfigurationNotFoundError"}),
        parameters=lambda given: {
            "ServerSideEncryptionConfiguration": {"Rules": SPELLING.to_api(given.values["rules"])}
        },
        outputs=_rules("ServerSideEncryptionConfiguration"),
    ),
    Setting(
        token="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        inputs=frozenset(PUBLIC_ACCESS),
        put="put_public_access_block",
        get="get_public_access_block",
        remove="delete_public_access_block",
        absent=frozenset({"NoSuchPublicAccessBlockConfiguration"}),
        parameters=lambda given: {
            "PublicAccessBlockConfiguration": SPELLING.to_api({name: given.flag(name) for name in PUBLIC_ACCESS})
        },
        outputs=lambda answer: {
            name: answer.block("PublicAccessBlockConfiguration").flag(name[:1].upper() + name[1:])
            for name in PUBLIC_ACCESS
        },
    ),
    Setting(
        token="aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        inputs=frozenset({"rule"}),
        put="put_bucket_ownership_controls",
        get="get_bucket_ownership_controls",
        remove="delete_bucket_ownership_controls",
        absent=frozenset({"OwnershipControlsNotFoundError"}),
        parameters=lambda given: {"OwnershipControls": {"Rules": [SPELLING.to_api(dict(given.block("rule").values))]}},
        outputs=lambda answer: {
            "rule": SPELLING.from_api(dict(answer.block("OwnershipControls").blocks("Rules")[0].values))
        },
    ),
    Setting(
        token="aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        inputs=frozenset({"rules"}),
        put="put_bucket_lifecycle_configuration",
        get="get_bucket_lifecycle_configuration",
        remove="delete_bucket_lifecycle",
        absent=frozenset({"NoSuchLifecycleConfiguration"}),
        parameters=lambda given: {
            "LifecycleConfiguration": {"Rules": [_lifecycle_rule(rule) for rule in given.blocks("rules")]}
        },
        outputs=_rules(""),
    ),
    Setting(
        token="aws:s3/bucketPolicy:BucketPolicy",
        inputs=frozenset({"policy"}),
        put="put_bucket_policy",
        get="get_bucket_policy",
        remove="delete_bucket_policy",
        absent=frozenset({"NoSuchBucketPolicy"}),
        parameters=lambda given: {"Policy": given.text("policy")},
        outputs=lambda answer: {"policy": answer.text("Policy")},
    ),
    Setting(
        token="aws:s3/bucketLogging:BucketLogging",
        inputs=frozenset(LOGGING),
        put="put_bucket_logging",
        get="get_bucket_logging",
        remove="put_bucket_logging",
        removal={"BucketLoggingStatus": {}},
        parameters=lambda given: {"BucketLoggingStatus": {"LoggingEnabled": given.renamed(LOGGING)}},
        outputs=_logging,
    ),
    Setting(
        token="aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        inputs=frozenset({"objectLockEnabled", "rule"}),
        put="put_object_lock_configuration",
        get="get_object_lock_configuration",
        remove="put_object_lock_configuration",
        # A lock that was switched on stays on; without a rule it holds no new object.
        removal={"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}},
        absent=frozenset({"ObjectLockConfigurationNotFoundError"}),
        defaults={"objectLockEnabled": "Enabled"},
        parameters=lambda given: {
            "ObjectLockConfiguration": SPELLING.to_api(
                {name: given.values[name] for name in ("objectLockEnabled", "rule") if given.has(name)}
            )
        },
        outputs=_lock,
    ),
)

TYPES: tuple[ResourceType[Aws], ...] = tuple(setting.resource() for setting in SETTINGS)
