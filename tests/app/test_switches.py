"""Feature flags: who has a feature, at which share, in every process."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest
from conftest import Fleet, run_app
from hypothesis import given
from hypothesis import strategies as st

from app.lifecycle import Lifecycle
from app.services import running
from app.settings import Settings
from app.switches import EVERY_SECONDS, Flag

CLIENTS = [f"client-{number}" for number in range(2000)]
SHARES = (1.0, 10.0, 50.0, 100.0)


@pytest.mark.requirement("C01")
def test_a_growing_share_only_ever_adds_clients_and_keeps_close_to_its_number() -> None:
    chosen = [{name for name in CLIENTS if Flag(name="f", enabled=True, percent=p).applies_to(name)} for p in SHARES]
    for smaller, larger in pairwise(chosen):
        assert smaller < larger
    for share, clients in zip(SHARES, chosen, strict=True):
        assert abs(len(clients) / len(CLIENTS) * 100 - share) < 3
    assert not any(Flag(name="f", enabled=False, percent=100).applies_to(name) for name in CLIENTS)


@given(name=st.text(min_size=1), client=st.text(min_size=1), share=st.floats(0, 100))
def test_the_same_client_gets_the_same_answer_at_every_share_above_its_own(
    name: str, client: str, share: float
) -> None:
    if Flag(name=name, enabled=True, percent=share).applies_to(client):
        assert Flag(name=name, enabled=True, percent=100).applies_to(client)
    else:
        assert not Flag(name=name, enabled=True, percent=share / 2).applies_to(client)


@pytest.mark.requirement("C01")
def test_a_flag_reaches_running_processes_and_switches_off_without_a_deployment(
    make_settings: Callable[..., Settings], fleet: Fleet
) -> None:
    async def scenario() -> list[bool]:
        async with running(make_settings(), Lifecycle()) as services:
            had = [services.switchboard.now.has("pilot", "acme")]
            for options in (("--percent", "100"), ("--percent", "100", "--off")):
                changed = await asyncio.to_thread(run_app, fleet, "flags", "set", "pilot", *options)
                assert changed.returncode == 0, changed.stderr
                flag = Flag.model_validate_json(changed.stdout.splitlines()[-1])
                async with asyncio.timeout(EVERY_SECONDS * 5):
                    while services.switchboard.now.flags.get("pilot") != flag:
                        await asyncio.sleep(0.05)
                had.append(services.switchboard.now.has("pilot", "acme"))
            return had

    assert asyncio.run(scenario()) == [False, True, False]
