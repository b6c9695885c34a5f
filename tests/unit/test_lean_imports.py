"""Packages of the AWS SDK give a class without running all the others (docs/decisions/lean-imports.md)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, sys
from tests.bench.mocked import main
main("staging")

def modules(package):
    return sorted(name.removeprefix(package + ".") for name in sys.modules if name.startswith(package + "."))

def lean(package):
    return "__getattr__" in vars(sys.modules[package])

sdk = [name for name in sys.modules if name.startswith("pulumi_aws.")]
used = sorted({name.rpartition(".")[0] for name in sdk if name.count(".") == 2})
found = {"used": used, "whole": [name for name in used if not lean(name)]}

import pulumi_aws.sqs as sqs
from pulumi_aws.sqs import QueuePolicy, QueuePolicyArgs
found["neighbours"] = modules("pulumi_aws.sqs")
try:
    sqs.Queueue
except AttributeError as error:
    found["wrong"] = str(error)

import pulumi_aws.s3 as s3
early = {name: vars(s3)[name] for name in dir(s3) if name[0].isupper() or name == "outputs"}
callable(s3.get_bucket)
found["early"], found["whole now"] = sorted(early), not lean("pulumi_aws.s3")
found["others"] = [name for name, one in early.items() if getattr(s3, name) is not one]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(root: Path) -> dict[str, object]:
    """Result of an interpreter of its own: packages are imported once a process."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, check=True, capture_output=True, text=True)
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_a_class_is_imported_without_its_neighbours(found: dict[str, object]) -> None:
    assert found["neighbours"] == ["_inputs", "queue_policy"]


def test_the_program_leaves_every_package_lean(found: dict[str, object]) -> None:
    assert {"pulumi_aws.ec2", "pulumi_aws.iam", "pulumi_aws.rds", "pulumi_aws.s3"} <= set(found["used"])  # type: ignore[call-overload]
    assert found["whole"] == []


def test_a_function_makes_the_package_whole_and_its_classes_are_the_same(found: dict[str, object]) -> None:
    early = found["early"]
    assert isinstance(early, list) and {"BucketPolicy", "outputs"} <= set(early)
    assert found["whole now"] is True
    assert found["others"] == []


def test_a_name_that_the_package_does_not_have_is_an_error_that_says_so(found: dict[str, object]) -> None:
    assert found["wrong"] == "module 'pulumi_aws.sqs' has no attribute 'Queueue'"
