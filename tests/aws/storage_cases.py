"""Cases of S3, KMS, Secrets Manager and IAM."""

from __future__ import annotations

import json

from localcloud.provider.values import Properties
from tests.aws.cases import OTHER_TRUST, TRUST, Case, bucket, named, role, secret, statement
from tests.aws.driver import Made
from tests.aws.world import World

ENCRYPTED = [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}, "bucketKeyEnabled": True}]
PLAIN_ENCRYPTED = [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]
CLOSED = {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True}
OPEN = {"BlockPublicAcls": True, "BlockPublicPolicy": False, "IgnorePublicAcls": True, "RestrictPublicBuckets": True}


def expiring(days: int) -> list[Properties]:
    """A life-cycle rule as the backup bucket has it."""
    return [
        {
            "id": "db",
            "status": "Enabled",
            "filter": {"prefix": "db/"},
            "expiration": {"days": days},
            "noncurrentVersionExpiration": {"noncurrentDays": 7},
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
        }
    ]


def lifecycle_seen(world: World, made: Made) -> Properties:
    """The rule in the provider's names, from boto3's."""
    rule = world.boto("s3").get_bucket_lifecycle_configuration(Bucket=made.id)["Rules"][0]
    return {
        "rules": [
            {
                "id": rule["ID"],
                "status": rule["Status"],
                "filter": {"prefix": rule["Filter"]["Prefix"]},
                "expiration": {"days": rule["Expiration"]["Days"]},
                "noncurrentVersionExpiration": {
                    "noncurrentDays": rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
                },
                "abortIncompleteMultipartUpload": {
                    "daysAfterInitiation": rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
                },
            }
        ]
    }


def encryption_seen(world: World, made: Made) -> Properties:
    """The rule in the provider's names, from boto3's; what was not declared is left out."""
    answer = world.boto("s3").get_bucket_encryption(Bucket=made.id)
    rule = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    default = {"sseAlgorithm": rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]}
    key = {"bucketKeyEnabled": True} if rule.get("BucketKeyEnabled") else {}
    return {"rules": [{"applyServerSideEncryptionByDefault": default, **key}]}


def public_access_seen(world: World, made: Made) -> Properties:
    """The four switches."""
    found = world.boto("s3").get_public_access_block(Bucket=made.id)["PublicAccessBlockConfiguration"]
    return {name: found[name[:1].upper() + name[1:]] for name in CLOSED}


def bucket_policy(world: World) -> Properties:
    """The TLS-only policy of requirement W04."""
    made = bucket(world)
    document = statement("Deny", "*", "s3:*", [made.text("arn")], Condition={"Bool": {"aws:SecureTransport": "false"}})
    return {"bucket": made.id, "policy": document}


def role_seen(world: World, made: Made) -> Properties:
    """The role."""
    found = world.boto("iam").get_role(RoleName=made.id)["Role"]
    return {
        "assumeRolePolicy": json.dumps(found["AssumeRolePolicyDocument"]),
        "description": found["Description"],
        "tags": named(world.boto("iam").list_role_tags(RoleName=made.id)["Tags"]),
    }


def role_policy_seen(world: World, made: Made) -> Properties:
    """The policy in its role."""
    role_name, _, name = made.id.partition(":")
    found = world.boto("iam").get_role_policy(RoleName=role_name, PolicyName=name)
    return {"role": role_name, "policy": json.dumps(found["PolicyDocument"])}


def key_seen(world: World, made: Made) -> Properties:
    """The key."""
    kms = world.boto("kms")
    return {
        "description": kms.describe_key(KeyId=made.id)["KeyMetadata"]["Description"],
        "enableKeyRotation": kms.get_key_rotation_status(KeyId=made.id)["KeyRotationEnabled"],
        "tags": named(kms.list_resource_tags(KeyId=made.id)["Tags"], "TagKey", "TagValue"),
    }


def alias_seen(world: World, made: Made) -> Properties:
    """Key that the alias leads to."""
    return {"targetKeyId": world.boto("kms").describe_key(KeyId=made.id)["KeyMetadata"]["KeyId"]}


def key(world: World) -> str:
    """A key to point at."""
    return world.make("aws:kms/key:Key", "key", {"description": "one"}).id


def move_alias(world: World, made: Made) -> None:
    """Somebody points the alias at another key."""
    other = world.boto("kms").create_key()["KeyMetadata"]["KeyId"]
    world.boto("kms").update_alias(AliasName=made.id, TargetKeyId=other)


def secret_seen(world: World, made: Made) -> Properties:
    """The secret."""
    found = world.boto("secretsmanager").describe_secret(SecretId=made.id)
    return {"description": found["Description"], "tags": named(found["Tags"])}


def version_seen(world: World, made: Made) -> Properties:
    """The value readers get."""
    found = world.boto("secretsmanager").get_secret_value(SecretId=made.id.partition("|")[0])
    return {"secretString": found["SecretString"]}


def grant(action: str) -> str:
    """An identity policy: it has no principal."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})


CASES = (
    Case(
        token="aws:s3/bucket:Bucket",
        longest_name=63,
        declare=lambda world: {"tags": {"owner": "platform"}, "forceDestroy": True},
        observe=lambda world, made: {"tags": named(world.boto("s3").get_bucket_tagging(Bucket=made.id)["TagSet"])},
        change={"tags": {"owner": "backend", "more": "1"}},
        replace={"bucket": "another-bucket"},
        drift=lambda world, made: world.boto("s3").put_bucket_tagging(
            Bucket=made.id, Tagging={"TagSet": [{"Key": "owner", "Value": "nobody"}]}
        ),
        drifted="tags",
    ),
    Case(
        token="aws:s3/bucketVersioning:BucketVersioning",
        declare=lambda world: {"bucket": bucket(world).id, "versioningConfiguration": {"status": "Enabled"}},
        observe=lambda world, made: {
            "versioningConfiguration": {"status": world.boto("s3").get_bucket_versioning(Bucket=made.id)["Status"]}
        },
        change={"versioningConfiguration": {"status": "Suspended"}},
        replace={"bucket": "another-bucket"},
        drift=lambda world, made: world.boto("s3").put_bucket_versioning(
            Bucket=made.id, VersioningConfiguration={"Status": "Enabled"}
        ),
        drifted="versioningConfiguration",
        remove_parent=lambda world, made: world.boto("s3").delete_bucket(Bucket=made.id),
    ),
    Case(
        token="aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        declare=lambda world: {"bucket": bucket(world).id, "rules": ENCRYPTED},
        observe=encryption_seen,
        change={"rules": PLAIN_ENCRYPTED},
        replace={"bucket": "another-bucket"},
        drift=lambda world, made: world.boto("s3").put_bucket_encryption(
            Bucket=made.id,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
            },
        ),
        drifted="rules",
    ),
    Case(
        token="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        declare=lambda world: {"bucket": bucket(world).id, **CLOSED},
        observe=public_access_seen,
        change={"ignorePublicAcls": False},
        replace={"bucket": "another-bucket"},
        drift=lambda world, made: world.boto("s3").put_public_access_block(
            Bucket=made.id, PublicAccessBlockConfiguration=OPEN
        ),
        drifted="blockPublicPolicy",
    ),
    Case(
        token="aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        declare=lambda world: {"bucket": bucket(world).id, "rule": {"objectOwnership": "BucketOwnerEnforced"}},
        observe=lambda world, made: {
            "rule": {
                "objectOwnership": world.boto("s3").get_bucket_ownership_controls(Bucket=made.id)["OwnershipControls"][
                    "Rules"
                ][0]["ObjectOwnership"]
            }
        },
        change={"rule": {"objectOwnership": "BucketOwnerPreferred"}},
        replace={"bucket": "another-bucket"},
        drift=lambda world, made: world.boto("s3").put_bucket_ownership_controls(
            Bucket=made.id, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
        ),
        drifted="rule",
    ),
    Case(
        token="aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        declare=lambda world: {"bucket": bucket(world).id, "rules": expiring(30)},
        observe=lifecycle_seen,
        change={"rules": expiring(90)},
        replace={"bucket": "another-bucket"},
        drift=lambda world, made: world.boto("s3").put_bucket_lifecycle_configuration(
            Bucket=made.id,
            LifecycleConfiguration={
                "Rules": [{"ID": "db", "Status": "Enabled", "Filter": {"Prefix": "db/"}, "Expiration": {"Days": 1}}]
            },
        ),
        drifted="rules",
    ),
    Case(
        token="aws:s3/bucketPolicy:BucketPolicy",
        declare=bucket_policy,
        observe=lambda world, made: {"policy": world.boto("s3").get_bucket_policy(Bucket=made.id)["Policy"]},
        change={"policy": statement("Deny", "*", "s3:DeleteBucket", "arn:aws:s3:::none")},
        replace={"bucket": "another-bucket"},
        drift=lambda world, made: world.boto("s3").put_bucket_policy(
            Bucket=made.id, Policy=statement("Allow", "*", "s3:GetObject", f"arn:aws:s3:::{made.id}/*")
        ),
        drifted="policy",
    ),
    Case(
        token="aws:kms/key:Key",
        declare=lambda world: {"description": "backups", "enableKeyRotation": True, "tags": {"owner": "platform"}},
        observe=key_seen,
        change={"description": "dumps", "enableKeyRotation": False, "tags": {"owner": "backend"}},
        replace={"keyUsage": "SIGN_VERIFY", "customerMasterKeySpec": "RSA_2048"},
        drift=lambda world, made: world.boto("kms").update_key_description(KeyId=made.id, Description="drifted"),
        drifted="description",
    ),
    Case(
        token="aws:kms/alias:Alias",
        longest_name=256,
        declare=lambda world: {"targetKeyId": key(world)},
        observe=alias_seen,
        change={},
        replace={"name": "alias/another"},
        drift=move_alias,
        drifted="targetKeyId",
    ),
    Case(
        token="aws:secretsmanager/secret:Secret",
        longest_name=255,
        declare=lambda world: {"description": "a password", "recoveryWindowInDays": 0, "tags": {"owner": "platform"}},
        observe=secret_seen,
        change={"description": "a token", "tags": {"team": "backend"}},
        replace={"name": "another-secret"},
        drift=lambda world, made: world.boto("secretsmanager").update_secret(SecretId=made.id, Description="drifted"),
        drifted="description",
    ),
    Case(
        token="aws:secretsmanager/secretVersion:SecretVersion",
        declare=lambda world: {
            "secretId": secret(world).id,
            "secretString": "first value",
            "versionStages": ["AWSCURRENT"],
        },
        observe=version_seen,
        change={"versionStages": ["AWSCURRENT", "CHECKED"]},
        replace={"secretString": "second value"},
        drift=lambda world, made: world.boto("secretsmanager").update_secret_version_stage(
            SecretId=made.id.partition("|")[0], VersionStage="CHECKED", RemoveFromVersionId=made.id.partition("|")[2]
        ),
        drifted="versionStages",
        remove_parent=lambda world, made: world.boto("secretsmanager").delete_secret(
            SecretId=made.id.partition("|")[0], ForceDeleteWithoutRecovery=True
        ),
    ),
    Case(
        token="aws:iam/role:Role",
        longest_name=64,
        declare=lambda world: {"assumeRolePolicy": TRUST, "description": "backs up", "tags": {"owner": "platform"}},
        observe=role_seen,
        change={"assumeRolePolicy": OTHER_TRUST, "description": "restores", "tags": {"owner": "backend"}},
        replace={"name": "another-role"},
        drift=lambda world, made: world.boto("iam").update_role(RoleName=made.id, Description="drifted"),
        drifted="description",
    ),
    Case(
        token="aws:iam/rolePolicy:RolePolicy",
        longest_name=128,
        declare=lambda world: {"role": role(world).id, "policy": grant("s3:GetObject")},
        observe=role_policy_seen,
        change={"policy": grant("s3:PutObject")},
        replace={"role": "another-role"},
        drift=lambda world, made: world.boto("iam").put_role_policy(
            RoleName=made.id.partition(":")[0], PolicyName=made.id.partition(":")[2], PolicyDocument=grant("s3:*")
        ),
        drifted="policy",
    ),
)
