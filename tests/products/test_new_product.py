"""A product that `contentgen new product` wrote, in a copy of this checkout: its tests pass, and so do those of every
stack: policies, prices, settings, pages, workflows.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.checkout import copied

NAME = "customer-portal"
EVERY_STACK = (
    "tests/products/customer_portal",
    "tests/policies/test_pack.py",
    "tests/report/test_cost.py",
    "tests/unit/test_generating.py",
    "tests/unit/test_stackfile.py",
)
SECONDS = 300


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy, with the product and what is generated from it."""
    found = tmp_path_factory.mktemp("copy") / "checkout"
    copied(found)
    contentgen(found, "new", "product", NAME, "--short", "portal")
    contentgen(found, "generate")
    return found


def python(checkout: Path, *arguments: str) -> str:
    """Python on the copy, which stands before this checkout; what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout), "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def contentgen(checkout: Path, *arguments: str) -> str:
    return python(checkout, "-c", "from ops.cli import main; main()", *arguments)


def test_the_tests_of_every_stack_pass_with_it(checkout: Path) -> None:
    said = python(checkout, "-m", "pytest", "-q", "-p", "no:cacheprovider", *EVERY_STACK)
    assert " passed" in said
    collected = python(checkout, "-m", "pytest", "-q", "--collect-only", "-k", NAME, "tests/policies", "tests/report")
    for stack in (f"{NAME}-local", f"{NAME}-prod"):
        assert collected.count(f"[{stack}]") >= 2, collected


def test_what_is_generated_is_current_and_names_its_stacks(checkout: Path) -> None:
    assert "no finding" in contentgen(checkout, "generate", "--check")
    assert f"          - {NAME}-prod\n" in (checkout / ".github" / "workflows" / "preview.yaml").read_text()
    assert f'"{NAME}-prod"' in contentgen(checkout, "stacks", "--environment", "prod")
    assert (checkout / "policies" / "config" / f"{NAME}-prod.json").is_file()


def test_the_stacks_have_no_problem_on_the_embedded_cloud(checkout: Path) -> None:
    for environment, regions in (("local", "us-east-1"), ("prod", "us-east-1")):
        said = contentgen(checkout, "check", f"{NAME}-{environment}")
        assert f"Pulumi.{NAME}-{environment}.yaml: {environment}, {regions}: no finding" in said


def test_a_second_product_of_the_same_short_word_is_refused_by_the_command(checkout: Path) -> None:
    with pytest.raises(AssertionError, match=f"short 'portal': is the short of {NAME}; choose another"):
        contentgen(checkout, "new", "product", "portal")


def test_what_was_written_is_formatted_and_typed(checkout: Path) -> None:
    for tool in ("ruff check", "ruff format --check", "pyrefly check"):
        program, *arguments = tool.split()
        command = [str(Path(sys.prefix) / "bin" / program), *arguments]
        done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
