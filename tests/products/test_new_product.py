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
PLACES = ("products/customer_portal", "policies", "report", "unit/test_generating.py", "unit/test_stackfile.py")
CHOSEN = "customer or generating or stackfile"
"""Its own tests, those of each stack as far as they are about its stacks, and those of all stacks at once."""
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


def test_its_own_tests_and_those_of_every_stack_pass(checkout: Path) -> None:
    places = [f"tests/{place}" for place in PLACES]
    said = python(checkout, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-k", CHOSEN, *places)
    for test in ("test_no_stack_breaks_a_rule", "test_every_stack_stays_within_its_budget"):
        for stack in (f"{NAME}-local", f"{NAME}-prod"):
            assert f"{test}[{stack}] PASSED" in said, said[-9000:]


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
