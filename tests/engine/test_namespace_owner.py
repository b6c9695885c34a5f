"""Two stacks and one namespace, on a real API server: the second one is refused by the name of the first."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.engine.world import World

OWNER = "contentgen-owner"
STACK = "local"
OWN = ("-n", "contentgen")
OTHERS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": OWNER, "namespace": "contentgen"},
    "data": {"stack": "other"},
}


@pytest.fixture
def taken(world: World, url: str) -> Iterator[None]:
    """The namespace belongs to a stack called other, and this one has not made its owner yet; afterwards it has."""
    (urn,) = (one["urn"] for one in world.resources(STACK) if one["urn"].endswith("-space-owner"))
    world.engine(STACK).run("state", "delete", urn, "--yes")
    world.kubectl(STACK, *OWN, "delete", "configmap", OWNER)
    file = world.state / "owner.json"
    file.write_text(json.dumps(OTHERS))
    apply = ("apply", "--server-side", f"--field-manager={OWNER}-other", "-f", str(file))
    world.kubectl(STACK, *apply)
    yield
    world.kubectl(STACK, *OWN, "delete", "configmap", OWNER)
    done = world.command("up", "--stack", STACK)
    assert done.returncode == 0, done.stdout[-4000:]


def generations(world: World) -> dict[str, int]:
    """Number of changes of each Deployment's declaration."""
    found = json.loads(world.kubectl(STACK, *OWN, "get", "deployments", "-o", "json"))["items"]
    return {one["metadata"]["name"]: one["metadata"]["generation"] for one in found}


@pytest.mark.usefixtures("taken")
def test_a_namespace_of_another_stack_is_refused_by_that_stacks_name_and_nothing_is_changed(world: World) -> None:
    before = generations(world)
    for command in ("preview", "up"):
        done = world.command(command, "--stack", STACK)
        assert done.returncode != 0, done.stdout[-2000:]
        assert f'conflict with "{OWNER}-other"' in done.stdout
    assert generations(world) == before
    kept = json.loads(world.kubectl(STACK, *OWN, "get", "configmap", OWNER, "-o", "json"))
    assert kept["data"] == {"stack": "other"}
