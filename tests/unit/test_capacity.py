"""The quota of a namespace: room for everything at its maximum, and not for everything imaginable."""

from __future__ import annotations

import pytest

from stacks.jobs import scheduled
from stacks.products.content_generation.blueprint import BLUEPRINT
from stacks.products.content_generation.profiles import PROFILES
from stacks.sizing.namespace_quota import capacity, running
from stacks.specs.profile import Profile
from stacks.specs.resources import mebibytes, millicores
from tests.unit.engine import RecordingEngine


@pytest.mark.parametrize(("quantity", "amount"), [("250m", 250), ("2", 2000), ("1000m", 1000)])
def test_cpu_is_counted_in_thousandths(quantity: str, amount: int) -> None:
    assert millicores(quantity) == amount


@pytest.mark.parametrize("quantity", ["", "1.5", "250M", "-1"])
def test_what_is_no_amount_is_refused(quantity: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        millicores(quantity)
    with pytest.raises(ValueError, match="no amount"):
        mebibytes(quantity)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_every_service_at_its_maximum_finds_room_beside_a_rollout(profile: Profile) -> None:
    workloads = BLUEPRINT.sized(profile)
    pods = tuple(running(workloads, scheduled(BLUEPRINT.jobs, profile), profile, BLUEPRINT.redis))
    room = capacity(pods, profile, BLUEPRINT.redis)
    assert room.pods >= sum(workload.size.maximum + 1 for workload in workloads)
    assert room.memory_limits >= sum((one.size.maximum + 1) * mebibytes(one.size.memory) for one in workloads)
    assert room.cpu_limits >= sum((one.size.maximum + 1) * millicores(one.size.cpu) for one in workloads)


def test_the_quota_is_what_the_stack_needs_and_lets_nobody_open_a_door_of_their_own(each: RecordingEngine) -> None:
    for quota in each.of("ResourceQuota"):
        hard = quota.at("spec", "hard")
        assert isinstance(hard, dict)
        assert (hard["services.loadbalancers"], hard["services.nodeports"]) == ("0", "0")
        maxima = [one.at("spec", "maxReplicas") for one in each.of("HorizontalPodAutoscaler")]
        assert int(str(hard["pods"])) > max(int(str(one)) for one in maxima)
        assert mebibytes(str(hard["limits.memory"])) >= mebibytes(str(hard["requests.memory"]))
