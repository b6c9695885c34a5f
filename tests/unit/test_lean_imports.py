"""Packages of the AWS SDK give a class without running all the others (docs/decisions/lean-imports.md)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PRELUDE = "import sys, infra, pulumi_aws.s3 as s3\n"


def said(root: Path, code: str) -> str:
    """What a new interpreter prints: packages are imported once a process."""
    return subprocess.run([sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True).stdout


def test_a_class_is_imported_without_its_neighbours(root: Path) -> None:
    code = "s3.BucketPolicy\nprint(*sorted(name for name in sys.modules if name.startswith('pulumi_aws.s3.')))"
    found = [name.rpartition(".")[2] for name in said(root, PRELUDE + code).split()]
    assert found == ["_enums", "_inputs", "bucket_policy"]


def test_a_class_is_the_one_that_the_whole_package_has(root: Path) -> None:
    code = (
        "from pulumi_aws.s3 import BucketPolicyArgs, BucketLifecycleConfigurationRuleArgs, CannedAcl, outputs\n"
        "early = {name: vars(s3)[name] for name in dir(s3) if name[0].isupper() or name == 'outputs'}\n"
        "assert len(early) == 4 and '__getattr__' in vars(s3)\n"
        "assert callable(s3.get_bucket) and '__getattr__' not in vars(s3)\n"
        "assert all(getattr(s3, name) is one for name, one in early.items())\n"
        "print(len([name for name in dir(s3) if name[0].isupper()]))"
    )
    assert int(said(root, PRELUDE + code)) > 100


def test_a_name_that_the_package_does_not_have_is_an_error_that_says_so(root: Path) -> None:
    code = "try: s3.Buckett\nexcept AttributeError as error: print(error)"
    assert said(root, PRELUDE + code).strip() == "module 'pulumi_aws.s3' has no attribute 'Buckett'"


def test_the_program_leaves_every_package_lean(root: Path) -> None:
    code = (
        "import sys\n"
        "from tests.bench.mocked import main\n"
        "main('prod')\n"
        "used = sorted({name.rpartition('.')[0] for name in sys.modules if name.count('.') == 2})\n"
        "sdk = [name for name in used if name.startswith('pulumi_aws.')]\n"
        "print(len(sdk), *(name for name in sdk if '__getattr__' not in vars(sys.modules[name])))\n"
    )
    packages, *whole = said(root, code).splitlines()[-1].split()
    assert int(packages) > 10
    assert whole == []
