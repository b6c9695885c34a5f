"""`contentgen drift`: what somebody changed by hand is named; what controllers do by themselves is not."""

from __future__ import annotations

import json

from tests.engine.world import World


def test_a_fresh_stack_has_not_drifted_whatever_controllers_have_filled_in(world: World, up: str) -> None:
    done = world.command("drift", "--stack", "local")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "local: no drift" in done.stdout


def test_replicas_under_an_autoscaler_are_no_drift(world: World, up: str) -> None:
    world.kubectl("local", "scale", "deployment", "cpm", "--replicas", "2", "-n", "contentgen")
    done = world.command("drift", "--stack", "local")
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_change_by_hand_is_found_with_resource_and_field_and_up_takes_it_back(world: World, up: str) -> None:
    def grace() -> str:
        path = "jsonpath={.spec.template.spec.terminationGracePeriodSeconds}"
        return world.kubectl("local", "get", "deployment", "im", "-n", "contentgen", "-o", path)

    declared = grace()
    patch = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": int(declared) + 1}}}}
    world.kubectl("local", "patch", "deployment", "im", "-n", "contentgen", "--patch", json.dumps(patch))
    done = world.command("drift", "--stack", "local")
    assert done.returncode == 1, done.stdout[-3000:]
    field = "spec.template.spec.terminationGracePeriodSeconds"
    assert f"apps/v1:Deployment local-us-east-1-im-deployment differs: {field}" in done.stdout
    assert "local: 1 resource differs" in done.stdout
    done = world.command("up", "--refresh", "--stack", "local")
    assert done.returncode == 0, done.stdout[-3000:]
    assert grace() == declared
    done = world.command("drift", "--stack", "local")
    assert done.returncode == 0, done.stdout[-3000:]
