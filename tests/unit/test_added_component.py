"""A component that no file knows is added by files of its own: its AWS type, price, policy rule and tests are found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops.cost.book import load
from ops.cost.estimate import Priced, assumptions, estimate
from ops.proof.scratch import copy_checkout

FIXTURE = Path(__file__).parent / "fixtures" / "message_queue"
QUEUE = "aws:sqs/queue:Queue"
GENERATED = {"docs/embedded-cloud-rules.md", "docs/policies/README.md"}
"""Existing files that change: `make generated` writes both."""
COMPONENT, EVERY_TYPE, CORPUS = "unit/test_components.py", "aws/test_every_type.py", "policies/test_corpus.py"
TESTS = (
    f"{COMPONENT}::test_every_component_is_a_component_resource_and_keeps_its_type_token",
    f"{COMPONENT}::test_two_instances_of_a_component_stand_beside_each_other_in_one_namespace[message queue]",
    f"{COMPONENT}::test_every_resource_of_a_component_is_its_child_and_begins_with_its_name[message queue]",
    f"{EVERY_TYPE}::test_every_type_of_the_table_has_a_case",
    *(
        f"{EVERY_TYPE}::{test}[{QUEUE}]"
        for test in (
            "test_a_preview_knows_the_inputs_and_no_computed_output",
            "test_what_is_declared_is_there_and_stays_so_through_a_refresh",
            "test_a_change_in_place_arrives",
            "test_a_change_of_identity_is_a_replacement",
            "test_drift_is_seen_and_undone",
            "test_a_deleted_thing_is_gone_and_deleting_it_again_is_no_error",
            "test_a_thing_is_imported_by_its_id",
        )
    ),
    f"aws/test_provider.py::test_the_table_speaks_of_no_property_the_official_class_lacks[{QUEUE}]",
    "aws/test_names.py::test_every_type_with_a_name_has_its_documented_maximum",
    f"aws/test_names.py::test_a_name_one_character_too_long_is_refused_and_never_cut[{QUEUE}]",
    "aws/test_rules.py::test_every_rule_has_an_example_and_a_source",
    *(
        f"aws/test_rules.py::test_what_breaks_a_rule_is_refused_with_its_value_and_what_is_allowed[queue-{rule}]"
        for rule in ("name", "fifo", "encryption", "redrive")
    ),
    "aws/test_queues.py",
    f"{CORPUS}::test_every_rule_has_five_cases_or_more_and_each_is_told_apart",
    f"{CORPUS}::test_a_way_around_a_rule_is_found[encrypted-queue-dead letters in clear]",
    f"{CORPUS}::test_an_ordinary_resource_passes[encrypted-queue-a queue in order]",
    "policies/test_rules.py::test_a_rule_has_a_change_that_no_other_rule_refuses[encrypted-queue]",
    "policies/test_rules.py::test_the_compliant_stack_passes_the_whole_pack",
)
"""Tests that the queue has by being found: pytest refuses a name that is not there, so none is left out in silence."""


@pytest.fixture(scope="module")
def added(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout with the fixture's files in it."""
    copy = tmp_path_factory.mktemp("added") / "checkout"
    copy_checkout(root, copy)
    _git(copy, "add", "--all")
    _git(copy, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--allow-empty", "-mbefore")
    shutil.copytree(FIXTURE, copy, dirs_exist_ok=True)
    return copy


def _git(copy: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=copy, check=True, capture_output=True, text=True).stdout


def _run(copy: Path, *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-4000:]}{done.stderr[-2000:]}"
    return done.stdout


def test_a_component_is_added_without_a_change_of_an_existing_file_but_generated_pages(added: Path) -> None:
    assert _git(added, "diff", "--name-only") == ""
    _run(added, "-c", "from ops.cli import main; main()", "generate")
    assert set(_git(added, "diff", "--name-only").split()) == GENERATED
    assert (added / "docs/policies/encrypted-queue.md").exists()
    assert f"| {QUEUE} | name | 80 | SQS API" in (added / "docs/embedded-cloud-rules.md").read_text()


def test_tests_of_an_added_component_its_aws_type_and_its_rule_are_found_and_pass(added: Path) -> None:
    output = _run(added, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"tests/{one}" for one in TESTS))
    assert " passed" in output and "skipped" not in output


def test_the_estimate_names_an_added_type_by_its_price_and_tells_what_is_assumed(added: Path) -> None:
    queue = Priced("orders", QUEUE, {"region": "us-east-1"})
    assert estimate([queue], load()).unpriced == (QUEUE,)
    book = load(added / "ops/cost/prices")
    found = estimate([queue], book)
    assert (found.by_resource, found.unpriced) == ({queue.key: pytest.approx(0.40)}, ())
    assert "1 million requests a queue" in assumptions(book)
