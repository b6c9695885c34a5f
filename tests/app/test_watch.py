"""Looks at the stores (app.watch): what they say in the log."""

from collections.abc import Callable

import httpx
import pytest
import structlog
from conftest import apart

from app.database import Database
from app.redis_link import RedisLink
from app.schema import Schema
from app.settings import Settings
from app.switches import Switchboard
from app.watch import Watch
from localcloud.servers import free_port


@pytest.mark.requirement("E01")
def test_a_process_that_never_found_its_database_says_so_once(make_settings: Callable[..., Settings]) -> None:
    nobody = f"postgresql://contentgen:secret@127.0.0.1:{free_port()}/nothing?sslmode=disable"
    settings = make_settings(database_url=nobody)

    async def look_twice() -> list[bool]:
        async with Database(settings) as database, httpx.AsyncClient() as client:
            watch = Watch(settings, Switchboard(database), RedisLink(None, 1), client, Schema())
            found = [(await watch.look()).database for _ in range(2)]
            await watch.close()
            return found

    with structlog.testing.capture_logs() as lines:
        assert apart(look_twice()) == [False, False]
    assert [line["event"] for line in lines] == ["the database does not answer"]
    assert "Connect call failed" in lines[0]["error"]
