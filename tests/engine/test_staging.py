"""Dev and staging, the two stacks between local and production: data in the cluster, and managed data."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from localcloud.paths import CHECKOUT
from tests.engine.traffic import steady_traffic, unfinished
from tests.engine.world import World, finished_job

STACKS = ("dev", "staging")


@pytest.fixture(scope="module", params=STACKS)
def stack(world: World, request: pytest.FixtureRequest) -> Iterator[str]:
    """Each of them up; its file is given back as it was, and nothing of it is left."""
    name = str(request.param)
    file = CHECKOUT / f"Pulumi.{name}.yaml"
    text = file.read_text()
    done = world.command("up", "--stack", name)
    assert done.returncode == 0, done.stdout[-4000:]
    yield name
    file.write_text(text)
    assert world.command("down", "--stack", name).returncode == 0
    assert not (world.state / name).exists()


@pytest.mark.requirement("S01")
def test_the_stack_answers_with_data_where_its_profile_puts_it(world: World, stack: str) -> None:
    assert finished_job(world.cloud(stack).regions[0].url)["status"] == "completed"
    managed = world.aws(stack, "rds").describe_db_instances()["DBInstances"]
    assert len(managed) == {"dev": 0, "staging": 1}[stack]


def logins(world: World, stack: str) -> dict[str, str]:
    """The two logins of the database, as migrations know them."""
    path = "jsonpath={.items[*].data.database_logins}"
    found = world.kubectl(stack, "-n", "contentgen", "get", "secrets", "-o", path).split()[-1]
    return json.loads(base64.b64decode(found))


@pytest.mark.requirement("X02")
def test_passwords_are_renewed_by_one_command_and_no_client_notices(world: World, stack: str) -> None:
    url = world.cloud(stack).regions[0].url
    before = logins(world, stack)
    with steady_traffic(url) as told:
        done = world.command("rotate", "--stack", stack)
    assert done.returncode == 0, done.stdout[-4000:]
    assert told.wrong == []
    assert len(told.accepted) > 3
    assert unfinished(url, told.accepted) == []
    after = logins(world, stack)
    assert set(after) == set(before)
    assert set(after.values()) & set(before.values()) == set()
    for login, password in after.items():
        assert world.logs_in(stack, login, password)
    for login, password in before.items():
        assert not world.logs_in(stack, login, password)
