"""The metric by which KEDA keeps instances while requests come (K10), on the service's own table."""

import asyncio

import asyncpg
import pytest

from components.activity_trigger import used_instances
from stacks.specs.idling import Idling

ASKED = "INSERT INTO activity VALUES ($1, now() - make_interval(secs => $2))"


@pytest.mark.requirement("K10")
@pytest.mark.parametrize(
    ("seconds_ago", "own", "of_all"),
    [({}, 1, 1), ({"cpm": 55}, 3, 3), ({"cpm": 65}, 1, 1), ({"im": 5}, 1, 3), ({"cpm": 65, "im": 65}, 1, 1)],
)
def test_three_instances_are_wanted_while_a_request_is_younger_than_a_minute(
    database_url: str, seconds_ago: dict[str, int], own: int, of_all: int
) -> None:
    async def metrics() -> tuple[int, int]:
        connection = await asyncpg.connect(database_url)
        try:
            for service, seconds in seconds_ago.items():
                await connection.execute(ASKED, service, seconds)
            found = [await connection.fetchval(used_instances(Idling(60, name), 3)) for name in ("cpm", None)]
            return found[0], found[1]
        finally:
            await connection.close()

    assert asyncio.run(metrics()) == (own, of_all)
