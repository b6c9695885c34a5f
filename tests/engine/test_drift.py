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


def test_a_change_by_hand_is_found_with_resource_field_and_tool(world: World, up: str) -> None:
    def grace(seconds: int) -> None:
        patch = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": seconds}}}}
        world.kubectl("local", "patch", "deployment", "im", "-n", "contentgen", "--patch", json.dumps(patch))

    grace(61)
    done = world.command("drift", "--stack", "local")
    assert done.returncode == 1, done.stdout[-3000:]
    assert "local-us-east-1-im-deployment was changed by kubectl-patch: " in done.stdout
    assert ".spec.template.spec.terminationGracePeriodSeconds" in done.stdout
    grace(60)
    done = world.command("drift", "--stack", "local")
    assert done.returncode == 0, done.stdout[-3000:]
