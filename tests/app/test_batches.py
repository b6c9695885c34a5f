"""Texts ordered in providers' batches (D01): what im asks of a provider, and what it makes of the answers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from batch_providers import NAMES, MakeSettings, Providers, batch_providers, variables
from pydantic import ValidationError
from sqlalchemy import text

from app.domain import Assignment, Draft, Priority, Ticket, Waiting
from app.lifecycle import Lifecycle
from app.services import Services, build
from app.settings import Settings
from app.telemetry.metrics import BATCH_ITEMS, BATCHES
from app.writers.base import CallContext, Deadline, WriterError
from app.writers.batches import BatchLostError
from app.writers.desk import Desk, desk

ASSIGNMENT = Assignment(topic="Quiet offices", content_type="blog", keywords=("focus",), priority=Priority.COST)  # type: ignore[arg-type]
CHEAPEST = {"openai": "gpt-5-nano", "anthropic": "claude-haiku-4-5", "gemini": "gemini-2.5-flash-lite"}
# 100 tokens in and 1000 out of the model above, at half of its price.
HALF_PRICE = {"openai": 0.000203, "anthropic": 0.00255, "gemini": 0.000205}
Scenario = Callable[[Desk, Services], Awaitable[None]]

pytestmark = [pytest.mark.requirement("D01"), pytest.mark.usefixtures("empty_redis")]


@pytest.fixture
def providers() -> Iterator[Providers]:
    with batch_providers() as found:
        yield found


def about(topic: str) -> Assignment:
    return ASSIGNMENT.model_copy(update={"topic": topic})


def at_the_desk(settings: Settings, scenario: Scenario) -> None:
    async def run() -> None:
        services = build(settings, Lifecycle())
        try:
            async with desk(services) as work:
                await scenario(work, services)
        finally:
            await services.close()

    asyncio.run(run())


def context(**values: object) -> CallContext:
    return CallContext(**{"deadline": Deadline.after(100), **values})  # type: ignore[arg-type]


async def ordered(work: Desk, assignment: Assignment = ASSIGNMENT) -> Ticket:
    outcome = await work.order(assignment, context())
    assert isinstance(outcome, Waiting)
    return outcome.ticket


async def collected(work: Desk, assignment: Assignment, ticket: Ticket) -> Draft:
    """The text, once the provider's batch is looked at again."""
    async with asyncio.timeout(20):
        while True:
            outcome = await work.collect(assignment, ticket, context())
            if isinstance(outcome, Draft):
                return outcome
            await asyncio.sleep(0.01)


async def spent(services: Services) -> float:
    async with services.database.read() as connection:
        total = (await connection.execute(text("SELECT committed_usd FROM llm_days"))).scalar_one()
        of_calls = "SELECT sum(CASE WHEN settled_at IS NULL THEN reserved_usd ELSE cost_usd END) FROM llm_calls"
        assert (await connection.execute(text(of_calls))).scalar_one() == total
    return float(total)


@pytest.mark.parametrize("name", NAMES)
def test_texts_asked_for_together_share_one_batch_and_come_at_half_the_price(
    make_settings: MakeSettings, providers: Providers, name: str
) -> None:
    async def scenario(work: Desk, services: Services) -> None:
        topics = ("Quiet offices", "Tea", "Rain in May")
        tickets = await asyncio.gather(*(ordered(work, about(topic)) for topic in topics))
        assert {ticket.batch for ticket in tickets} == {"batch_0"} and len({t.item for t in tickets}) == 3
        assert {(ticket.provider, ticket.model) for ticket in tickets} == {(name, CHEAPEST[name])}
        waiting = await work.collect(about("Tea"), tickets[1], context())
        assert isinstance(waiting, Waiting) and waiting.ticket == tickets[1]
        providers.state = "done"
        for topic, ticket in zip(topics, tickets, strict=True):
            draft = await collected(work, about(topic), ticket)
            assert draft.content.title == "Quiet offices"
            assert draft.usage.cost_usd == pytest.approx(HALF_PRICE[name], rel=0.01)
        assert await spent(services) == pytest.approx(3 * HALF_PRICE[name], rel=0.01)

    before = BATCHES.labels(name)._value.get(), BATCH_ITEMS.labels(name, "written")._value.get()
    at_the_desk(make_settings(**variables(providers, name)), scenario)
    assert providers.items == [3] and providers.direct == 0
    assert all(f"canary-key-{name}" in str(one.headers) for one in providers.seen)
    after = BATCHES.labels(name)._value.get(), BATCH_ITEMS.labels(name, "written")._value.get()
    assert (after[0] - before[0], after[1] - before[1]) == (1, 3)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("state", ["failed", "expired", "cancelled", "unknown", "nonsense", "nonsense texts"])
def test_a_text_that_its_batch_will_not_bring_is_lost_at_once(
    make_settings: MakeSettings, providers: Providers, name: str, state: str
) -> None:
    async def scenario(work: Desk, services: Services) -> None:
        ticket = await ordered(work)
        providers.state = state
        with pytest.raises(BatchLostError):
            await work.collect(ASSIGNMENT, ticket, context())
        again = await ordered(work)
        assert again.batch != ticket.batch, "nobody is sent to the lost one any more"

    at_the_desk(make_settings(**variables(providers, name)), scenario)


@pytest.mark.parametrize("name", NAMES)
def test_of_a_batch_that_partly_failed_the_good_texts_are_taken(
    make_settings: MakeSettings, providers: Providers, name: str
) -> None:
    async def scenario(work: Desk, services: Services) -> None:
        topics = ("Tea one", "Tea two")
        tickets = await asyncio.gather(*(ordered(work, about(topic)) for topic in topics))
        providers.state = "items failed"
        (_, lost, lost_topic), (_, good, good_topic) = sorted(
            (ticket.item, ticket, topic) for ticket, topic in zip(tickets, topics, strict=True)
        )
        with pytest.raises(BatchLostError, match="ended without item 0"):
            await work.collect(about(lost_topic), lost, context())
        assert isinstance(await work.collect(about(good_topic), good, context()), Draft)
        assert await spent(services) == pytest.approx(HALF_PRICE[name], rel=0.01), "what failed costs nothing"

    at_the_desk(make_settings(**variables(providers, name)), scenario)


@pytest.mark.parametrize("name", NAMES)
def test_a_provider_that_refuses_the_batch_is_asked_directly(
    make_settings: MakeSettings, providers: Providers, name: str
) -> None:
    providers.refuses = True

    async def scenario(work: Desk, services: Services) -> None:
        drafts = await asyncio.gather(*(work.order(about(topic), context()) for topic in ("Tea one", "Tea two")))
        assert all(isinstance(draft, Draft) for draft in drafts)

    at_the_desk(make_settings(**variables(providers, name)), scenario)
    assert providers.direct == 2 and providers.items == []


def test_a_batch_that_is_full_does_not_wait_for_more(make_settings: MakeSettings, providers: Providers) -> None:
    async def scenario(work: Desk, services: Services) -> None:
        async with asyncio.timeout(9):
            await asyncio.gather(*(ordered(work, about(f"Topic {place}")) for place in range(4)))

    values = {"llm_batch_window_seconds": 10, "llm_batch_largest": 2}
    at_the_desk(make_settings(**variables(providers, "anthropic", **values)), scenario)
    assert providers.items == [2, 2]


def test_models_have_batches_of_their_own(make_settings: MakeSettings, providers: Providers) -> None:
    async def scenario(work: Desk, services: Services) -> None:
        fine = ASSIGNMENT.model_copy(update={"priority": Priority.QUALITY})
        first, second = await asyncio.gather(ordered(work), ordered(work, fine))
        assert (first.model, second.model) == ("gpt-5-nano", "gpt-5") and first.batch != second.batch

    at_the_desk(make_settings(**variables(providers, "openai")), scenario)


def test_a_text_that_is_known_is_not_ordered(make_settings: MakeSettings, providers: Providers) -> None:
    async def scenario(work: Desk, services: Services) -> None:
        await work.write(ASSIGNMENT, context())
        draft = await work.order(ASSIGNMENT, context())
        assert isinstance(draft, Draft) and draft.cached and draft.usage.cost_usd == 0

    at_the_desk(make_settings(**variables(providers, "openai")), scenario)
    assert providers.items == []


def test_who_asks_again_waits_for_what_was_ordered_and_the_second_text_is_free(
    make_settings: MakeSettings, providers: Providers
) -> None:
    async def scenario(work: Desk, services: Services) -> None:
        ticket = await ordered(work)
        async with desk(services) as other:
            again = await ordered(other)
        assert (again.batch, again.item) == (ticket.batch, ticket.item), "another instance, after the answer was lost"
        providers.state = "done"
        first, second = (
            await work.collect(ASSIGNMENT, ticket, context()),
            await work.collect(ASSIGNMENT, ticket, context()),
        )
        assert isinstance(first, Draft) and isinstance(second, Draft)
        assert first.usage.cost_usd > 0 == second.usage.cost_usd and first.content == second.content

    at_the_desk(make_settings(**variables(providers, "anthropic")), scenario)
    assert providers.items == [1]


def test_who_wants_a_text_of_their_own_gets_an_item_of_their_own(
    make_settings: MakeSettings, providers: Providers
) -> None:
    async def scenario(work: Desk, services: Services) -> None:
        outcomes = [await work.order(ASSIGNMENT, context(fresh=True)) for _ in range(2)]
        assert len({outcome.ticket.batch for outcome in outcomes if isinstance(outcome, Waiting)}) == 2

    at_the_desk(make_settings(**variables(providers, "anthropic")), scenario)


def test_a_batch_is_looked_at_once_for_all_who_wait_for_it(make_settings: MakeSettings, providers: Providers) -> None:
    async def scenario(work: Desk, services: Services) -> None:
        topics = [f"Topic {place}" for place in range(20)]
        tickets = await asyncio.gather(*(ordered(work, about(topic)) for topic in topics))
        asked = list(zip(map(about, topics), tickets, strict=True))
        assert all(
            isinstance(one, Waiting)
            for one in await asyncio.gather(*(work.collect(*pair, context()) for pair in asked))
        )
        providers.state = "done"
        await asyncio.gather(*(collected(work, *pair) for pair in asked))

    # All twenty are in one batch however long their reservations take.
    patient = {"llm_batch_look_seconds": 1, "llm_batch_window_seconds": 2}
    at_the_desk(make_settings(**variables(providers, "anthropic", **patient)), scenario)
    paths = [one.path for one in providers.seen if one.method == "GET"]
    assert paths == ["/v1/messages/batches/batch_0"] * 2 + ["/v1/messages/batches/batch_0/results"]


def test_a_provider_that_is_down_is_asked_again_later(make_settings: MakeSettings, providers: Providers) -> None:
    async def scenario(work: Desk, services: Services) -> None:
        ticket = await ordered(work)
        providers.down = True
        with pytest.raises(WriterError) as failed:
            await work.collect(ASSIGNMENT, ticket, context())
        assert not failed.value.final and "canary" not in str(failed.value)
        providers.down, providers.state = False, "done"
        draft: Draft | None = None
        while draft is None:
            with suppress(WriterError):
                draft = await collected(work, ASSIGNMENT, ticket)
        assert draft.provider == "openai"

    at_the_desk(make_settings(**variables(providers, "openai")), scenario)


def test_what_batches_may_cost_is_spent_when_they_are_handed_in(
    make_settings: MakeSettings, providers: Providers
) -> None:
    async def scenario(work: Desk, services: Services) -> None:
        await ordered(work)
        with pytest.raises(WriterError) as refused:
            await work.order(about("Tea"), context())
        assert refused.value.kind == "daily_budget"

    values = {"llm_max_cost_per_day_usd": 0.0015, "llm_max_cost_per_job_usd": 0.002}
    at_the_desk(make_settings(**variables(providers, "openai", **values)), scenario)
    assert providers.items == [1] and providers.direct == 0


def test_a_text_picked_up_twice_is_paid_for_once(make_settings: MakeSettings, providers: Providers) -> None:
    async def scenario(work: Desk, services: Services) -> None:
        ticket = await ordered(work)
        providers.state = "done"
        for _ in range(2):
            assert isinstance(await work.collect(ASSIGNMENT, ticket, context()), Draft)
        assert await spent(services) == pytest.approx(HALF_PRICE["openai"], rel=0.01)

    at_the_desk(make_settings(**variables(providers, "openai", llm_cache_seconds=0)), scenario)


def test_batches_are_off_unless_they_are_wanted_and_the_embedded_writer_has_none(
    make_settings: MakeSettings, providers: Providers
) -> None:
    async def scenario(work: Desk, services: Services) -> None:
        assert isinstance(await work.order(ASSIGNMENT, context()), Draft)

    assert not make_settings().llm_batch_enabled
    at_the_desk(make_settings(**variables(providers, "openai", llm_batch_enabled=False)), scenario)
    at_the_desk(make_settings(llm_batch_enabled=True, llm_cache_seconds=0), scenario)
    assert providers.items == [] and providers.direct == 1


def test_a_ticket_of_a_provider_that_is_not_used_any_more_is_lost(
    make_settings: MakeSettings, providers: Providers
) -> None:
    async def scenario(work: Desk, services: Services) -> None:
        ticket = Ticket(provider="openai", model="gpt-5-nano", batch="batch_0", item="0", given_at=datetime.now(UTC))
        with pytest.raises(BatchLostError, match="openai"):
            await work.collect(ASSIGNMENT, ticket, context())

    at_the_desk(make_settings(**variables(providers, "anthropic")), scenario)


def test_a_long_batch_is_looked_at_less_often_and_given_up_in_the_end(
    make_settings: MakeSettings, providers: Providers
) -> None:
    async def scenario(work: Desk, services: Services) -> None:
        ticket = await ordered(work)
        pauses = []
        for age in (timedelta(0), timedelta(minutes=20), timedelta(hours=20), timedelta(days=2)):
            aged = ticket.model_copy(update={"given_at": datetime.now(UTC) - age})
            waiting = await work.collect(ASSIGNMENT, aged, context())
            assert isinstance(waiting, Waiting)
            pauses.append((round(waiting.again_seconds), round(waiting.left_seconds, -2)))
        assert pauses == [(60, 90_000), (300, 88_800), (900, 18_000), (900, 0)]

    at_the_desk(make_settings(**variables(providers, "anthropic", llm_batch_look_seconds=60)), scenario)


@pytest.mark.parametrize("name", ["../../admin", "a/b", "x?y", "", "a" * 121])
def test_a_providers_name_for_a_batch_cannot_lead_anywhere_else(name: str) -> None:
    with pytest.raises(ValidationError):
        Ticket(provider="openai", model="gpt-5", batch=name, item="0", given_at=datetime.now(UTC))
