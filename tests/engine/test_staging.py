"""Dev and staging, the two stacks between local and production."""

from __future__ import annotations

import pytest

from tests.engine.world import World, finished_job


@pytest.mark.requirement("S01")
@pytest.mark.parametrize("stack", ["dev", "staging"])
def test_the_stack_goes_up_answers_and_comes_down(world: World, stack: str) -> None:
    done = world.command("up", "--stack", stack)
    assert done.returncode == 0, done.stdout[-4000:]
    assert finished_job(world.cloud(stack).regions[0].url)["status"] == "completed"
    managed = world.aws(stack, "rds").describe_db_instances()["DBInstances"]
    assert len(managed) == {"dev": 0, "staging": 1}[stack]
    assert world.command("down", "--stack", stack).returncode == 0
    assert not (world.state / stack).exists()
