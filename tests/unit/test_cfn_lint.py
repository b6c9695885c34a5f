"""A second opinion on every AWS resource of every stack, in each of its regions: cfn-lint, by AWS' schemas."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from ops.stack_files import read
from tests.unit.cloudformation import Template, templates
from tests.unit.program import ROOT, STACKS, declared

ACCEPTED = Path(__file__).with_name("cfn_lint_accepted.yaml")


@dataclass(frozen=True)
class Finding:
    """One rule that one resource breaks."""

    rule: str
    type: str
    where: str
    message: str


def opinion(template: Template, region: str) -> list[Finding]:
    """Findings of cfn-lint in a template, deployed to a region."""
    resources = template["Resources"]
    assert isinstance(resources, dict)
    found = []
    for match in lint(json.dumps(template), config=ManualArgs(regions=[region])):
        name = str(match.path[1]) if len(match.path) > 1 else ""
        kind = resources[name]["Type"] if name in resources else ""  # type: ignore[index,call-overload]
        found.append(Finding(match.rule.id, str(kind), f"{name}.{'.'.join(map(str, match.path[3:]))}", match.message))
    return found


@pytest.fixture(scope="module")
def findings() -> Sequence[Finding]:
    every: list[Finding] = []
    for stack in STACKS:
        for region, template in templates(declared(stack, read(ROOT, stack)).resources).items():
            every += opinion(template, region)
    return every


@pytest.fixture(scope="module")
def accepted() -> dict[tuple[str, str], str]:
    return {(one["rule"], one["type"]): one["reason"] for one in yaml.safe_load(ACCEPTED.read_text())}


def test_every_finding_of_cfn_lint_is_mended_or_has_a_written_reason(
    findings: Sequence[Finding], accepted: dict[tuple[str, str], str]
) -> None:
    assert [one for one in findings if (one.rule, one.type) not in accepted] == []
    assert all(len(reason) > 40 for reason in accepted.values())


def test_no_reason_outlives_its_finding_of_cfn_lint(
    findings: Sequence[Finding], accepted: dict[tuple[str, str], str]
) -> None:
    assert set(accepted) - {(one.rule, one.type) for one in findings} == set()


def test_every_aws_resource_of_every_stack_is_in_a_template() -> None:
    for stack in STACKS:
        resources = [one for one in declared(stack, read(ROOT, stack)).resources if one.type.startswith("aws:")]
        text = json.dumps(templates(resources))
        kinds = {one.type for one in resources}
        for part in ("KeyPolicy", "SecretString", "BucketEncryption", "LifecycleConfiguration", "OwnershipControls"):
            assert (f'"{part}"' in text) == any(_of_part(part) in kind for kind in kinds), (stack, part)


def _of_part(part: str) -> str:
    return {
        "KeyPolicy": "keyPolicy",
        "SecretString": "secretVersion",
        "BucketEncryption": "bucketServerSide",
        "LifecycleConfiguration": "bucketLifecycle",
        "OwnershipControls": "bucketOwnership",
    }[part]


BREAKS = [
    ("AWS::RDS::DBInstance", "DBInstanceClass", "db.nonsense"),
    ("AWS::RDS::DBInstance", "BackupRetentionPeriod", 99),
    ("AWS::ElastiCache::ReplicationGroup", "TransitEncryptionEnabled", "perhaps"),
    ("AWS::CloudWatch::Alarm", "ComparisonOperator", "Below"),
    ("AWS::S3::Bucket", "BucketName", "Not_A_Bucket"),
    ("AWS::IAM::Role", "AssumeRolePolicyDocument", {"Version": "2012-10-17", "Statement": [{"Effect": "Maybe"}]}),
    ("AWS::Route53::RecordSet", "Weight", "heavy"),
    ("AWS::KMS::Key", "PendingWindowInDays", 3),
    ("AWS::SNS::Topic", "Unheard", "of"),
]


@pytest.mark.parametrize(("kind", "key", "value"), BREAKS, ids=[f"{kind}.{key}" for kind, key, _ in BREAKS])
def test_cfn_lint_notices_a_value_that_aws_refuses(kind: str, key: str, value: object) -> None:
    template = copy.deepcopy(templates(declared("prod", read(ROOT, "prod")).resources)["us-east-1"])
    resources = template["Resources"]
    assert isinstance(resources, dict)
    name, resource = next((name, one) for name, one in resources.items() if one["Type"] == kind)  # type: ignore[index,call-overload]
    resource["Properties"][key] = value  # type: ignore[index,call-overload]
    alone: Template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {name: resource}}
    assert any(
        one.where.startswith(f"{name}.") and key in one.where + one.message for one in opinion(alone, "us-east-1")
    )
