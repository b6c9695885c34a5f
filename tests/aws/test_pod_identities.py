"""The identities of pods on the embedded AWS: each job's own calls with the very policy that production declares, and
again with one action less.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import boto3
import jwt
import pytest
from boto3.exceptions import Boto3Error
from botocore.exceptions import ClientError

from app import backup_metrics
from app.backup import PART_BYTES, Bucket
from app.settings import Settings
from localcloud.aws.network import IDENTITY_PROVIDER
from ops.stack_files import read
from tests.aws.world import REGION, World
from tests.unit.engine import RecordingEngine
from tests.unit.program import ROOT, declared

ISSUER = "https://" + IDENTITY_PROVIDER.partition(":oidc-provider/")[2]
ZONE_MOCK = "prod-routing-zone-zone"
METRICS = "contentgen/prod"
DUMP, STATE = "db/2026-01-01/dump", "state/2026-01-01/state"


@pytest.fixture(scope="module")
def prod() -> RecordingEngine:
    """Production as the embedded cloud declares it."""
    given = read(ROOT, "prod")
    clusters = {
        code: one.model_copy(update={"oidc_provider": IDENTITY_PROVIDER}) for code, one in given.clusters.items()
    }
    return declared("prod", given.model_copy(update={"clusters": clusters}))


@dataclass(frozen=True)
class Pod:
    """A pod's identity: the role that was declared for it, on this test's own bucket, key and zone."""

    world: World
    role: str
    bucket: str
    zone: str
    policy: dict[str, object]

    def lacks(self, action: str) -> None:
        """Takes one action out of the role's policy; a statement that is left without any goes too."""
        kept = []
        for statement in self.policy["Statement"]:  # type: ignore[attr-defined]
            actions = [one for one in statement["Action"] if one != action]
            kept += [{**statement, "Action": actions}] if actions else []
        self.put({**self.policy, "Statement": kept})

    def tidy(self) -> None:
        """Removes what a failed round left."""
        storage = self.world.boto("s3")
        for left in storage.list_multipart_uploads(Bucket=self.bucket).get("Uploads", []):
            storage.abort_multipart_upload(Bucket=self.bucket, Key=left["Key"], UploadId=left["UploadId"])

    def put(self, policy: dict[str, object]) -> None:
        text = json.dumps(policy)
        self.world.boto("iam").put_role_policy(RoleName=self.role, PolicyName="grants", PolicyDocument=text)


def pod(
    world: World, prod: RecordingEngine, job: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, subject: str = ""
) -> Pod:
    """The declared role of a job, made here, and this process in the job's place."""
    role = prod.one("iam/role:Role", f"prod-use1-{job}-role" if job != "certificate" else "us-east-1-edge-issuer-role")
    grants = prod.one("iam/rolePolicy:RolePolicy", f"{role.name.removesuffix('-role')}-grants")
    key = world.boto("kms").create_key()["KeyMetadata"]["Arn"]
    bucket, name = world.name("backups-"), world.name("role")
    storage = world.boto("s3")
    storage.create_bucket(Bucket=bucket)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    storage.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=rules)
    zone = world.boto("route53").create_hosted_zone(Name=f"{name}.example.org", CallerReference=name)
    zone_id = zone["HostedZone"]["Id"].rpartition("/")[2]
    text = str(grants.at("policy"))
    for made_up, real in (
        ("arn:aws:mock:::prod-backup-bucket", f"arn:aws:s3:::{bucket}"),
        ("arn:aws:mock:::prod-backup-key", key),
        (ZONE_MOCK, zone_id),
    ):
        text = text.replace(made_up, real)
    assert "mock" not in text
    made = world.boto("iam").create_role(RoleName=name, AssumeRolePolicyDocument=str(role.at("assumeRolePolicy")))
    token = {
        "iss": ISSUER,
        "sub": subject or f"system:serviceaccount:contentgen:{job}",
        "aud": ["sts.amazonaws.com"],
        "exp": int(time.time()) + 600,
    }
    file = tmp_path / "token"
    file.write_text(jwt.encode(token, "a key that nobody verifies, of enough bytes"))
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", world.cloud.endpoint)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ROLE_ARN", made["Role"]["Arn"])
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(file))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    found = Pod(world, name, bucket, zone_id, json.loads(text))
    found.put(found.policy)
    return found


def settings() -> Settings:
    return Settings.model_construct(backup_metrics=METRICS, backup_bucket_region=REGION, region=REGION)


class Source(io.BytesIO):
    """A dump that breaks off after its first part where told to."""

    broken = False

    def read(self, size: int | None = -1) -> bytes:
        if self.broken and self.tell() >= PART_BYTES:
            raise OSError("the dump broke off")
        return super().read(size)


def write_backup(pod: Pod) -> None:
    """AWS calls of the job `backup`: a large dump, a small state, one more figure; nothing is kept of a failure."""
    bucket = Bucket(pod.bucket, REGION)
    broken = Source(b"0" * (PART_BYTES + 1))
    broken.broken = True
    with pytest.raises(OSError, match="the dump broke off"):
        bucket.upload(broken, DUMP)  # type: ignore[arg-type]
    left = pod.world.boto("s3").list_multipart_uploads(Bucket=pod.bucket).get("Uploads", [])
    if left:
        raise AssertionError("AbortMultipartUpload: parts of a broken dump are kept")
    bucket.upload(Source(b"0" * (PART_BYTES + 1)), DUMP)  # type: ignore[arg-type]
    bucket.put(STATE, b"state")
    backup_metrics.count(settings(), backup_metrics.BACKUP)


def check_restore(pod: Pod) -> None:
    """AWS calls of the job `restore-check`."""
    own = Bucket(pod.bucket, REGION)
    pod.world.boto("s3").put_object(Bucket=pod.bucket, Key=DUMP, Body=b"dump")
    assert boto3.client("s3").list_objects_v2(Bucket=pod.bucket, Prefix="db/")["KeyCount"] == 1
    assert own.size(DUMP) == 4
    assert own.get(DUMP) == b"dump"
    backup_metrics.count(settings(), backup_metrics.RESTORE_CHECK)


def prove_domain(pod: Pod, kind: str = "TXT", name: str = "_acme-challenge.api") -> None:
    """AWS calls of cert-manager by the solver route53 (cert-manager documentation, Configuring DNS01, Route53)."""
    client = boto3.client("route53")
    domain = f"{name}.{pod.role}.example.org"
    record = {"Name": domain, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": '"proof"'}]}
    change = client.change_resource_record_sets(
        HostedZoneId=pod.zone, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    )
    client.get_change(Id=change["ChangeInfo"]["Id"])
    client.list_resource_record_sets(HostedZoneId=pod.zone)


Work = Callable[[Pod], None]
JOBS: dict[str, Work] = {"backup": write_backup, "restore-check": check_restore, "certificate": prove_domain}


@pytest.mark.parametrize("job", JOBS)
def test_a_pod_does_its_work_by_its_own_role(
    world: World, prod: RecordingEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, job: str
) -> None:
    JOBS[job](pod(world, prod, job, monkeypatch, tmp_path))


@pytest.mark.parametrize("job", JOBS)
def test_a_pod_needs_every_action_of_its_policy(
    world: World, prod: RecordingEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, job: str
) -> None:
    own = pod(world, prod, job, monkeypatch, tmp_path)
    actions = {action for statement in own.policy["Statement"] for action in statement["Action"]}  # type: ignore[attr-defined]
    assert len(actions) > 2
    for action in sorted(actions):
        own.lacks(action)
        own.tidy()
        with pytest.raises((Boto3Error, ClientError, AssertionError)) as refused:
            JOBS[job](own)
        assert action.partition(":")[2] in str(refused.value) or "403" in str(refused.value), action


def test_nobody_but_the_pods_own_account_takes_its_role(
    world: World, prod: RecordingEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = pod(world, prod, "backup", monkeypatch, tmp_path, "system:serviceaccount:contentgen:cpm")
    with pytest.raises(ClientError, match="Not authorized to perform sts:AssumeRoleWithWebIdentity") as refused:
        Bucket(own.bucket, REGION).put(STATE, b"")
    assert refused.value.response["Error"]["Code"] == "AccessDenied"


def test_a_pod_without_a_role_has_no_credentials(
    world: World, prod: RecordingEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from botocore.exceptions import NoCredentialsError

    own = pod(world, prod, "backup", monkeypatch, tmp_path)
    monkeypatch.delenv("AWS_ROLE_ARN")
    monkeypatch.delenv("AWS_WEB_IDENTITY_TOKEN_FILE")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(NoCredentialsError):
        Bucket(own.bucket, REGION).put(STATE, b"")


def test_a_job_that_writes_backups_deletes_none_and_counts_in_its_own_namespace(
    world: World, prod: RecordingEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = pod(world, prod, "backup", monkeypatch, tmp_path)
    Bucket(own.bucket, REGION).put(STATE, b"")
    with pytest.raises(ClientError, match="not authorized to perform: s3:DeleteObject on resource: arn:aws:s3:::"):
        boto3.client("s3").delete_object(Bucket=own.bucket, Key=STATE)
    with pytest.raises(ClientError, match="not authorized to perform: cloudwatch:PutMetricData"):
        boto3.client("cloudwatch").put_metric_data(Namespace="other", MetricData=[{"MetricName": "a", "Value": 1}])


@pytest.mark.parametrize(("kind", "name"), [("A", "_acme-challenge.api"), ("TXT", "api")])
def test_the_certificates_identity_writes_proofs_and_no_other_record(
    world: World, prod: RecordingEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, name: str
) -> None:
    own = pod(world, prod, "certificate", monkeypatch, tmp_path)
    with pytest.raises(ClientError, match="not authorized to perform: route53:ChangeResourceRecordSets"):
        prove_domain(own, kind, name)


def test_a_key_that_lets_nobody_in_keeps_even_a_permitted_reader_out(
    world: World, prod: RecordingEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = pod(world, prod, "restore-check", monkeypatch, tmp_path)
    key = world.boto("s3").get_bucket_encryption(Bucket=own.bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    arn = key["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    other = {"AWS": "arn:aws:iam::123456789012:role/other"}
    only = {"Effect": "Allow", "Principal": other, "Action": "kms:*", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [only]})
    world.boto("kms").put_key_policy(KeyId=arn, PolicyName="default", Policy=text)
    world.boto("s3").put_object(Bucket=own.bucket, Key=DUMP, Body=b"dump")
    with pytest.raises(ClientError, match="because no resource-based policy allows the kms:Decrypt action"):
        Bucket(own.bucket, REGION).get(DUMP)
