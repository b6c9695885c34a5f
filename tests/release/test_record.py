"""The record of releases in a stack's outputs, and which one a rollback goes to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.release import outputs, schema_of, with_image
from ops.release.command import earlier_release
from ops.release.record import KEPT_RELEASES, Record, RecordError, Release, record_of, recording
from stacks.products.registry import PRODUCTS
from tests.release.engine import PretendedEngine
from tests.unit.program import ROOT

MIGRATIONS = PRODUCTS["content-generation"].migrations
IMAGE = "registry.example.com/contentgen@sha256:" + "1" * 64


def made(commit: str, schema: str = "0008") -> Release:
    return Release(commit=commit, image=IMAGE, schema=schema)


PAST = Record(made("ccc"), (made("bbb"), made("aaa")))


@pytest.mark.requirement("L02")
def test_a_stack_keeps_commit_image_and_schema_of_what_runs_and_of_the_releases_before_it(tmp_path: Path) -> None:
    engine = PretendedEngine(tmp_path)
    target = engine.target()
    variables = recording(target, made("ccc"), PAST.earlier).environment
    kept = outputs(ROOT, IMAGE, MIGRATIONS, variables)
    assert kept["commit"] == "ccc"
    assert kept["image"] == IMAGE
    assert kept["schema"] == schema_of(ROOT, MIGRATIONS) == "0008"
    engine.outputs(**kept)
    assert record_of(target) == PAST


@pytest.mark.requirement("L02")
def test_the_released_image_is_deployed_in_place_of_the_stack_files(tmp_path: Path) -> None:
    variables = recording(PretendedEngine(tmp_path).target(), made("ccc"), ()).environment
    assert with_image({"image": "old", "domain": "x"}, variables) == {"image": IMAGE, "domain": "x"}
    assert with_image({"image": "old"}, {}) == {"image": "old"}


def test_a_deployment_by_hand_names_no_commit_but_what_it_deploys() -> None:
    assert outputs(ROOT, IMAGE, MIGRATIONS, {}) == {"image": IMAGE, "schema": "0008"}


@pytest.mark.requirement("L02")
@pytest.mark.parametrize(
    ("commit", "before"), [("ddd", ["ccc", "bbb", "aaa"]), ("ccc", ["bbb", "aaa"]), ("bbb", ["aaa"]), ("aaa", [])]
)
def test_the_past_of_a_release_is_what_came_before_it_and_never_one_that_failed(commit: str, before: list[str]) -> None:
    assert [one.commit for one in PAST.before(made(commit))] == before


def test_ten_releases_are_kept() -> None:
    record = Record(made("new"), tuple(made(f"old{number}") for number in range(12)))
    assert len(record.before(made("newer"))) == KEPT_RELEASES == 10


@pytest.mark.requirement("L05")
@pytest.mark.parametrize(("commit", "found"), [("", "bbb"), ("aaa", "aaa"), ("bbb", "bbb")])
def test_a_rollback_goes_to_any_earlier_release_and_by_itself_to_the_one_before(commit: str, found: str) -> None:
    assert earlier_release("prod", PAST, commit, "") == made(found)


@pytest.mark.requirement("L05")
def test_a_release_without_a_record_needs_its_image() -> None:
    with pytest.raises(RecordError, match=r"no record of a release of 999, but of bbb, aaa; fix: .*--image"):
        earlier_release("prod", PAST, "999", "")
    assert earlier_release("prod", PAST, "999", IMAGE) == Release(commit="999", image=IMAGE)


@pytest.mark.requirement("L05")
def test_a_rollback_to_what_runs_or_of_a_first_release_is_refused_in_words() -> None:
    with pytest.raises(RecordError, match="runs ccc already; releases before it: bbb, aaa"):
        earlier_release("prod", PAST, "ccc", "")
    with pytest.raises(RecordError, match="no record of an earlier release; fix: name one with --to"):
        earlier_release("prod", Record(made("ccc")), "", "")


def test_outputs_that_cannot_be_read_are_an_error_with_the_engines_words(tmp_path: Path) -> None:
    target = PretendedEngine(tmp_path).target()
    (tmp_path / "output").unlink()
    with pytest.raises(RecordError, match="FileNotFoundError"):
        record_of(target)


@pytest.mark.parametrize("earlier", [[{"image": "x"}], "none"])
def test_outputs_that_are_no_record_are_an_error_that_names_them(tmp_path: Path, earlier: object) -> None:
    engine = PretendedEngine(tmp_path)
    target = engine.target()
    engine.outputs(commit="abc", earlierReleases=earlier)
    with pytest.raises(RecordError, match="prod: its outputs are no record of releases: "):
        record_of(target)


def test_the_record_is_what_an_update_is_given(tmp_path: Path) -> None:
    variables = recording(PretendedEngine(tmp_path).target(), made("ccc"), PAST.earlier).environment
    assert json.loads(variables["CONTENTGEN_EARLIER_RELEASES"]) == [
        {"commit": "bbb", "image": IMAGE, "schema": "0008"},
        {"commit": "aaa", "image": IMAGE, "schema": "0008"},
    ]


def test_the_schema_is_that_of_the_products_own_migrations() -> None:
    for product in PRODUCTS.values():
        folders = [[path.name[:4] for path in (ROOT / one).glob("[0-9]*.py")] for one in product.migrations]
        assert folders and all(folders), product.name
        assert outputs(ROOT, IMAGE, product.migrations, {})["schema"] == "+".join(max(one) for one in folders)
    assert PRODUCTS["blog-ai"].migrations == (*MIGRATIONS, "app/blog_ai/migrations/versions")
    assert PRODUCTS["workflow-dashboard"].migrations != MIGRATIONS
