"""Revocations known to one process, and for how long it may believe them (E03)."""

import asyncio
from datetime import UTC, datetime
from typing import cast

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from app.access.revocations import Revocations


class NothingRevoked:
    """A database without revocations, as Revocations reads it."""

    async def execute(self, *_: object) -> "NothingRevoked":
        return self

    def all(self) -> list[object]:
        return []


@pytest.mark.requirement("E03")
@pytest.mark.parametrize(("late", "believed"), [(5.5, True), (7.5, False)], ids=["late", "lost"])
def test_a_reading_of_revocations_that_is_late_is_waited_for_and_one_that_is_lost_is_not(
    late: float, believed: bool
) -> None:
    async def scenario() -> bool:
        revocations = Revocations()
        nothing = cast(AsyncConnection, NothingRevoked())
        await revocations.read(nothing, datetime.now(UTC))
        revocations._read_at -= late
        assert not revocations.current
        asked = asyncio.create_task(revocations.caught_up())
        await asyncio.sleep(0)
        assert asked.done() != believed
        await revocations.read(nothing, datetime.now(UTC))
        return await asked

    assert asyncio.run(scenario()) == believed
