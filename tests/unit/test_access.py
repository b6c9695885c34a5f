"""AWS permissions of every identity: the whole list, held against what was decided."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from components.monitoring_role import GRANTS as MONITORING
from infra.settings.stack import StackSettings
from ops.stack_files import read
from tests.unit.engine import Json, RecordingEngine
from tests.unit.program import ROOT, Declare, declared

PROVIDER = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/ABC"

WILDCARDS = {
    ("logs:CreateLogGroup", "arn:aws:logs:*:*:log-group:RDS*"): "RDS names its log groups itself, in any region",
    ("logs:PutRetentionPolicy", "arn:aws:logs:*:*:log-group:RDS*"): "RDS names its log groups itself, in any region",
    ("logs:CreateLogStream", "arn:aws:logs:*:*:log-group:RDS*:log-stream:*"): "a stream for every instance",
    ("logs:PutLogEvents", "arn:aws:logs:*:*:log-group:RDS*:log-stream:*"): "a stream for every instance",
    ("logs:DescribeLogStreams", "arn:aws:logs:*:*:log-group:RDS*:log-stream:*"): "a stream for every instance",
    ("logs:GetLogEvents", "arn:aws:logs:*:*:log-group:RDS*:log-stream:*"): "a stream for every instance",
    ("route53:GetChange", "arn:aws:route53:::change/*"): "a change has an id of its own that is not known before",
    ("cloudwatch:PutMetricData", "*"): "AWS knows no resource for it; a condition names the namespace",
    ("s3:PutObject", "<bucket>/db/*"): "objects are named by date; the folder is the least that can be said",
    ("s3:GetObject", "<bucket>/db/*"): "objects are named by date; the folder is the least that can be said",
    ("s3:AbortMultipartUpload", "<bucket>/db/*"): "objects are named by date",
    ("s3:PutObject", "<bucket>/state/*"): "objects are named by date; the folder is the least that can be said",
    ("s3:AbortMultipartUpload", "<bucket>/state/*"): "objects are named by date",
}
"""Every grant with a wildcard, and why nothing narrower is possible. A reason that no grant needs is refused too."""


@dataclass(frozen=True)
class Granted:
    """One call on one resource, and who may make it."""

    role: str
    action: str
    resource: str


@pytest.fixture(scope="module")
def prod() -> RecordingEngine:
    """Production with clusters that can prove who asks."""
    given = read(ROOT, "prod")
    clusters = {code: one.model_copy(update={"oidc_provider": PROVIDER}) for code, one in given.clusters.items()}
    settings: StackSettings = given.model_copy(update={"clusters": clusters})
    return declared("prod", settings)


def statements(document: Json) -> list[dict[str, Json]]:
    found = json.loads(str(document))["Statement"]
    assert isinstance(found, list)
    return found


def grants(engine: RecordingEngine) -> Iterator[Granted]:
    """Everything that any role is given, one by one."""
    for policy in engine.of("iam/rolePolicy:RolePolicy"):
        for statement in statements(policy.at("policy")):
            assert statement["Effect"] == "Allow"
            for action in statement["Action"]:  # type: ignore[union-attr]
                for resource in statement["Resource"]:  # type: ignore[union-attr]
                    bucket = str(resource).replace("arn:aws:mock:::prod-backup-bucket", "<bucket>")
                    yield Granted(policy.name, str(action), bucket)


@pytest.mark.requirement("X01")
def test_every_wildcard_that_is_granted_has_a_written_reason_and_every_reason_is_needed(prod: RecordingEngine) -> None:
    granted = list(grants(prod))
    assert granted
    wild = {(one.action, one.resource) for one in granted if "*" in one.action + one.resource}
    assert wild - set(WILDCARDS) == set()
    assert set(WILDCARDS) - wild == set()


@pytest.mark.requirement("Y07")
def test_no_identity_may_make_every_call_of_a_service_or_one_on_everything(prod: RecordingEngine) -> None:
    assert [one for one in grants(prod) if "*" in one.action] == []
    assert {one.action for one in grants(prod) if one.resource == "*"} == {"cloudwatch:PutMetricData"}


@pytest.mark.requirement("Y07")
def test_backups_are_written_and_read_and_never_deleted_or_unlocked_by_the_identities_of_the_jobs(
    prod: RecordingEngine,
) -> None:
    writes = {one.action for one in grants(prod) if one.role.endswith("-backup-grants")}
    reads = {one.action for one in grants(prod) if one.role.endswith("-restore-check-grants")}
    told = "cloudwatch:PutMetricData"
    assert writes == {"s3:PutObject", "s3:AbortMultipartUpload", "kms:GenerateDataKey", "kms:Decrypt", told}
    assert reads == {"s3:GetObject", "s3:ListBucket", "kms:Decrypt", told}


def test_metrics_are_counted_in_the_stacks_own_namespace_only(prod: RecordingEngine) -> None:
    found = [
        statement["Condition"]
        for policy in prod.of("iam/rolePolicy:RolePolicy")
        for statement in statements(policy.at("policy"))
        if statement["Action"] == ["cloudwatch:PutMetricData"]
    ]
    assert found == [{"StringEquals": {"cloudwatch:namespace": ["contentgen/prod"]}}] * 6


def test_the_issuer_of_certificates_may_change_txt_records_only(prod: RecordingEngine) -> None:
    for policy in prod.of("iam/rolePolicy:RolePolicy"):
        if "issuer" not in policy.name:
            continue
        changing = [one for one in statements(policy.at("policy")) if "ChangeResourceRecordSets" in str(one["Action"])]
        (statement,) = changing
        assert statement["Condition"] == {
            "ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": ["TXT"]},
            "ForAllValues:StringLike": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": ["_acme-challenge.*"]},
        }


def test_a_role_is_taken_by_one_service_account_of_one_cluster(prod: RecordingEngine) -> None:
    subjects = []
    for role in prod.of("iam/role:Role"):
        (trust,) = statements(role.at("assumeRolePolicy"))
        if role.name.endswith("-monitoring"):
            assert trust["Principal"] == {"Service": "monitoring.rds.amazonaws.com"}
            continue
        assert trust["Principal"] == {"Federated": PROVIDER}
        (conditions,) = trust["Condition"].values()  # type: ignore[union-attr]
        assert conditions["oidc.eks.us-east-1.amazonaws.com/id/ABC:aud"] == "sts.amazonaws.com"  # type: ignore[index]
        subjects.append(conditions["oidc.eks.us-east-1.amazonaws.com/id/ABC:sub"])  # type: ignore[index]
    accounts = {f"system:serviceaccount:contentgen:{name}" for name in ("backup", "restore-check", "certificate")}
    assert set(subjects) == accounts
    assert len(subjects) == 3 * 3


def test_without_an_identity_provider_no_role_for_a_service_account_is_made(declare: Declare) -> None:
    roles = [one.name for one in declare("prod").of("iam/role:Role")]
    assert all(name.endswith("-monitoring") for name in roles)
    assert json.loads(MONITORING)["Statement"]
    annotated = [one for one in declare("prod").of("ServiceAccount") if "role-arn" in json.dumps(one.inputs)]
    assert annotated == []
