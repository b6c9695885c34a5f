"""A namespace that is somebody else's, on a real API server: refused by their name, and nothing in it is touched."""

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
def cluster(world: World) -> Iterator[None]:
    """A cluster on which nothing is yet."""
    world.embedded(STACK).up(["us-east-1"], print)
    yield
    done = world.command("down", "--stack", STACK)
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.fixture
def taken(world: World, cluster: None) -> None:
    """The namespace belongs to a stack called other, and nothing else is there yet."""
    file = world.state / "others.json"
    file.write_text(json.dumps(OTHERS))
    world.kubectl(STACK, "apply", "--server-side", f"--field-manager={OWNER}-other", "-f", str(file))


@pytest.mark.usefixtures("taken")
def test_a_namespace_of_another_stack_is_refused_by_that_stacks_name_and_keeps_what_it_has(world: World) -> None:
    done = world.command("up", "--stack", STACK)
    assert done.returncode != 0
    assert f"namespace {SPACE} belongs to the stack other" in done.stdout, done.stdout[-4000:]
    kept = json.loads(world.kubectl(STACK, "-n", SPACE, "get", "configmap", OWNER, "-o", "json"))
    assert kept["data"] == {"stack": "other"}
    made = world.kubectl(STACK, "-n", SPACE, "get", "deployments,statefulsets,jobs,secrets", "-o", "name")
    assert made == ""


@pytest.mark.usefixtures("cluster")
def test_a_namespace_of_another_team_is_left_alone_until_it_is_given_to_the_stack(world: World) -> None:
    world.kubectl(STACK, "create", "namespace", SPACE)
    before = world.kubectl(STACK, "get", f"namespace/{SPACE}", "-o", "json")
    done = world.command("up", "--stack", STACK)
    assert done.returncode != 0
    assert f"namespace {SPACE} exists already and was made by kubectl-create" in done.stdout, done.stdout[-4000:]
    assert world.kubectl(STACK, "get", f"namespace/{SPACE}", "-o", "json") == before
    assert world.kubectl(STACK, "-n", SPACE, "get", "deployments,statefulsets,jobs,secrets", "-o", "name") == ""
    [fix] = [line for line in done.stdout.splitlines() if "kubectl create configmap" in line][:1]
    world.kubectl(STACK, *fix.partition("kubectl ")[2].split())
    done = world.command("preview", "--stack", STACK)
    assert done.returncode == 0, done.stdout[-4000:]
