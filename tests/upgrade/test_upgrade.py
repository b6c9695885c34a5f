"""From every release to this program: nothing that holds data is replaced or lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from localcloud.aws.types import TYPES
from ops.stack_files import read
from tests.unit.program import CONTENT_STACKS, ROOT, STACKS
from tests.upgrade.record import RELEASES, Kept, kept, recorded

RECORDS = sorted(RELEASES.glob("*.json"))


@pytest.fixture(scope="module")
def today() -> Mapping[str, Kept]:
    found = [one for stack in STACKS for one in kept(stack, read(ROOT, stack))]
    return {urn: one for one in found for urn in (one.urn, *one.formerly)}


def chosen_by_the_cloud(one: Kept, name: str) -> bool:
    """True if a value that is no longer declared stays as it is, because the provider then takes it from the cloud."""
    return one.fixed.get(name) is None and one.type in TYPES and name in TYPES[one.type].also_computed


def broken(before: list[Kept], after: Mapping[str, Kept]) -> list[str]:
    """Resources and values that would be lost: gone, or of a kind that cannot change in place."""
    found = [f"{one.urn} is gone" for one in before if one.urn not in after]
    for one in before:
        now = after.get(one.urn)
        for name, value in one.fixed.items() if now else ():
            if now and now.fixed.get(name) != value and not chosen_by_the_cloud(now, name):
                found.append(f"{one.urn}: {name} was {value!r} and is {now.fixed.get(name)!r}")
    return found


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_no_release_is_upgraded_by_replacing_what_holds_data(record: Path, today: Mapping[str, Kept]) -> None:
    before = recorded(record)
    assert set(CONTENT_STACKS) <= {one.stack for one in before} <= set(STACKS)
    assert broken(before, today) == []


def test_a_renamed_database_and_a_changed_key_would_be_noticed(today: Mapping[str, Kept]) -> None:
    database = next(one for one in today.values() if one.type == "aws:rds/instance:Instance")
    renamed = {urn.replace("postgres-primary", "postgres-main"): one for urn, one in today.items()}
    assert broken([database], renamed) == [f"{database.urn} is gone"]
    other = {**today, database.urn: replace(database, fixed={**database.fixed, "kmsKeyId": "another"})}
    (change,) = broken([database], other)
    assert "kmsKeyId" in change


def test_a_volume_of_another_size_would_be_noticed(today: Mapping[str, Kept]) -> None:
    store = next(one for one in today.values() if one.type == "kubernetes:apps/v1:StatefulSet")
    other = {**today, store.urn: replace(store, fixed={**store.fixed, "spec.volumeClaimTemplates": []})}
    assert "spec.volumeClaimTemplates" in broken([store], other)[0]
