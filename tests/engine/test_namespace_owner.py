"""Two stacks and one namespace, on a real API server: the second one is refused by the name of the first."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.engine.world import World

STACK = "dev"
SPACE = "contentgen"
OWNER = "contentgen-owner"
OTHERS = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": OWNER, "namespace": SPACE},
            "data": {"stack": "other"},
        },
    ],
}


@pytest.fixture
def taken(world: World) -> Iterator[None]:
    """A cluster on which the namespace belongs to a stack called other, and nothing else is there yet."""
    world.embedded(STACK).up(["us-east-1"], print)
    file = world.state / "others.json"
    file.write_text(json.dumps(OTHERS))
    world.kubectl(STACK, "apply", "--server-side", f"--field-manager={OWNER}-other", "-f", str(file))
    yield
    done = world.command("down", "--stack", STACK)
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.usefixtures("taken")
def test_a_namespace_of_another_stack_is_refused_by_that_stacks_name_and_keeps_what_it_has(world: World) -> None:
    done = world.command("up", "--stack", STACK)
    assert done.returncode != 0
    assert f'conflict with "{OWNER}-other"' in done.stdout, done.stdout[-4000:]
    kept = json.loads(world.kubectl(STACK, "-n", SPACE, "get", "configmap", OWNER, "-o", "json"))
    assert kept["data"] == {"stack": "other"}
    made = world.kubectl(STACK, "-n", SPACE, "get", "deployments,statefulsets,jobs,secrets", "-o", "name")
    assert made == ""
