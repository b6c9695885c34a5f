"""Feature flags: who has a feature, at which share, in every process, and what the feature does."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest
from conftest import Fleet, run_app
from hypothesis import given
from hypothesis import strategies as st
from listening import Answer, Seen, listening

from app.domain import Assignment, GenerationRequest, JobStatus
from app.ids import JobId
from app.intake import Submission
from app.lifecycle import Lifecycle
from app.peers import NO_CACHE
from app.services import build, running
from app.settings import Settings
from app.switches import EVERY_SECONDS, FRESH_TEXTS, Flag
from app.worker import Worker
from app.writers.desk import desk
from app.writers.embedded import EmbeddedWriter

ASSIGNMENT = Assignment(topic="Quiet offices", content_type="social")  # type: ignore[arg-type]
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
def test_a_flag_changes_what_running_processes_do_and_switches_off_without_a_deployment(
    make_settings: Callable[..., Settings], fleet: Fleet
) -> None:
    asked: list[str | None] = []
    text = asyncio.run(EmbeddedWriter().write(ASSIGNMENT, "embedded-brief")).model_dump_json().encode()

    def im(seen: Seen) -> Answer:
        if seen.method == "POST":
            asked.append(seen.headers["Cache-Control"])
        return 200, text

    async def scenario(url: str) -> None:
        settings = make_settings(im_url=url, grace_seconds=6)
        async with running(settings, Lifecycle()) as services, Worker(services).working():

            async def job_of(client: str) -> None:
                request = GenerationRequest(client_id=client, **ASSIGNMENT.model_dump())
                job = (await services.intake.accept(Submission(JobId.new("use1"), request, None))).job
                async with asyncio.timeout(20):
                    while (found := await services.jobs.find(job)) is None or found.status is not JobStatus.COMPLETED:
                        await asyncio.sleep(0.02)

            async def set_from_outside(*options: str) -> None:
                """By command, in another process."""
                changed = await asyncio.to_thread(run_app, fleet, "flags", "set", FRESH_TEXTS, *options)
                assert changed.returncode == 0, changed.stderr
                flag = Flag.model_validate_json(changed.stdout.splitlines()[-1])
                async with asyncio.timeout(EVERY_SECONDS * 5):
                    while services.switchboard.now.flags.get(FRESH_TEXTS) != flag:
                        await asyncio.sleep(0.05)

            await job_of("acme")
            await set_from_outside("--percent", "100")
            await job_of("acme")
            await set_from_outside("--percent", "100", "--off")
            await job_of("acme")

    with listening(im) as url:
        asyncio.run(scenario(url))
    assert asked == [None, NO_CACHE, None]


def test_a_fresh_text_is_asked_for_although_one_is_cached(make_settings: Callable[..., Settings]) -> None:
    async def scenario() -> list[bool]:
        services = build(make_settings(redis_url=None), Lifecycle())
        work = desk(services)
        drafts = [await work.write(ASSIGNMENT, fresh=fresh) for fresh in (False, False, True)]
        await services.close()
        return [draft.cached for draft in drafts]

    assert asyncio.run(scenario()) == [False, True, False]
