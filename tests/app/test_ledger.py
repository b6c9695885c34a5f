"""The ledger of paid calls (E07, M02): every call is in it, nothing passes the day's limit, and every figure is its."""

import asyncio
import json
from collections.abc import Callable

import asyncpg
import pytest
from conftest import Fleet, apart, eventually
from recorded import ASSIGNMENT, NAMES, MakeSettings, Provider, at_desk, context, good, provider, using
from test_worker import accept, ended, in_service

from app.database import Database
from app.domain import Draft
from app.services import Services
from app.settings import Settings
from app.telemetry.metrics import COST, TOKENS
from app.writers.base import Tokens, WriterError
from app.writers.ledger import Call, CallKind, Ledger, TextInFlightError

pytestmark = [pytest.mark.requirement("E07"), pytest.mark.usefixtures("empty_redis")]
# 1000 tokens in and 500 out, thoughts among them, of the models that ASSIGNMENT gets.
CHARGED = {"openai": 0.00125, "anthropic": 0.0035, "gemini": 0.00155}


def rows(url: str, query: str) -> list[asyncpg.Record]:
    async def run() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(query))
        finally:
            await connection.close()

    return apart(run())


def calls(url: str) -> list[asyncpg.Record]:
    """Every call, after a look at the day's total, which is their sum."""
    found = rows(url, "SELECT * FROM llm_calls ORDER BY id")
    total = sum(row["reserved_usd"] if row["settled_at"] is None else row["cost_usd"] for row in found)
    assert [row["committed_usd"] for row in rows(url, "SELECT committed_usd FROM llm_days")] == (
        [total] if found else []
    )
    return found


def write(settings: Settings, **values: object) -> object:
    async def run() -> object:
        async with at_desk(settings) as (work, _):
            try:
                return await work.write(ASSIGNMENT, context(**values))
            except WriterError as error:
                return error

    return asyncio.run(run())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("text", "outcome", "said"),
    [
        (None, "good", "written"),
        ("I would rather not.", "good", "invalid_content"),
        ('{"title": "cut off he', "truncated", "truncated"),
        ("", "refused", "content_refused"),
    ],
)
def test_a_call_is_in_the_ledger_with_all_it_took_whatever_its_text_is_worth(
    make_settings: MakeSettings, database_url: str, name: str, text: str | None, outcome: str, said: str
) -> None:
    answer = good(name, text, outcome) if text is not None else good(name)
    with provider(name, answer) as one:
        write(using(make_settings, one), job_id="use1-a", attempt=2, client_id="acme")
    [row] = calls(database_url)
    assert (row["provider"], row["kind"], row["outcome"]) == (name, "sync", said)
    assert (row["job_id"], row["attempt"], row["client_id"]) == ("use1-a", 2, "acme")
    tokens = ("input_tokens", "output_tokens", "thought_tokens", "cached_tokens")
    assert [row[column] for column in tokens] == [1000, 500, 200, 100]
    assert float(row["cost_usd"]) == CHARGED[name] < float(row["reserved_usd"])
    assert row["settled_at"] >= row["reserved_at"]


def test_a_call_that_the_provider_refused_costs_nothing_and_one_that_it_never_answered_its_reserve(
    make_settings: MakeSettings, database_url: str
) -> None:
    with provider("openai", (500, b"{}")) as one:
        write(using(make_settings, one, llm_retries=0))
        one.hold.clear()
        write(using(make_settings, one, llm_retries=0, llm_timeout_seconds=0.2))
    refused, silent = calls(database_url)
    assert (refused["outcome"], refused["cost_usd"]) == ("provider_unavailable", 0)
    assert silent["outcome"] == "provider_timeout" and silent["cost_usd"] == silent["reserved_usd"] > 0


def test_many_at_once_never_pass_the_days_limit(make_settings: MakeSettings, database_url: str) -> None:
    """Each reserves 0.0125 USD, so that 0.1 USD are enough for eight at the same time."""

    async def scenario(settings: Settings) -> list[object]:
        async with at_desk(settings) as (one, _), at_desk(settings) as (other, _):
            topics = [ASSIGNMENT.model_copy(update={"topic": f"Topic {number}"}) for number in range(40)]
            asked = [(one, other)[place % 2].write(topic, context()) for place, topic in enumerate(topics)]
            gathered = asyncio.gather(*asked, return_exceptions=True)
            async with asyncio.timeout(30):
                while len(calls(database_url)) < 8:
                    await asyncio.sleep(0.05)
            assert sum(row["reserved_usd"] for row in calls(database_url)) <= 0.1
            hold.set()
            return await gathered

    with provider("openai") as one:
        hold = one.hold
        hold.clear()
        values = {"llm_rate_limit_enabled": False, "llm_max_cost_per_day_usd": 0.1, "llm_retries": 0}
        outcomes = asyncio.run(scenario(using(make_settings, one, **values)))
    found = calls(database_url)
    assert len(one.seen) == len(found) == sum(isinstance(outcome, Draft) for outcome in outcomes) >= 7
    kinds = {outcome.kind for outcome in outcomes if isinstance(outcome, WriterError)}
    assert kinds == {"budget_reserved"}, "what is set aside may come back today"


def test_a_spent_budget_ends_the_day_whatever_redis_forgets(make_settings: MakeSettings, database_url: str) -> None:
    with provider("openai") as one:
        settings = using(make_settings, one, llm_max_cost_per_day_usd=0.013)
        outcomes = [write(settings) for _ in range(2)]
    assert isinstance(outcomes[0], Draft)
    assert isinstance(outcomes[1], WriterError) and outcomes[1].kind == "daily_budget"
    assert len(one.seen) == len(calls(database_url)) == 1


def call(key: str, seconds: float = 60, usd: float = 0.01) -> Call:
    return Call(key, "openai", "gpt-5-mini", CallKind.SYNC, usd, seconds, context())


def with_ledger(settings: Settings, scenario: Callable[[Ledger], object]) -> None:
    async def run() -> None:
        database = Database(settings)
        try:
            await scenario(Ledger(database, 1.0))  # type: ignore[misc]
        finally:
            await database.close()

    asyncio.run(run())


def test_what_a_dead_process_had_reserved_is_spent_when_its_call_must_be_over(
    make_settings: MakeSettings, database_url: str
) -> None:
    async def scenario(ledger: Ledger) -> None:
        before = COST.labels("gpt-5-mini")._value.get()
        await ledger.reserve(call("a", seconds=-100))
        await ledger.reserve(call("b"))
        with pytest.raises(TextInFlightError):
            await ledger.reserve(call("b"))
        again = await ledger.reserve(call("a"))
        await ledger.settle(again, "written", Tokens(1, 1), 0.001)
        await ledger.settle(again, "written", Tokens(1, 1), 0.001)
        assert COST.labels("gpt-5-mini")._value.get() - before == pytest.approx(0.011)

    with_ledger(make_settings(), scenario)
    found = [(row["text_key"], row["outcome"], float(row["cost_usd"])) for row in calls(database_url)]
    assert found == [("a", "abandoned", 0.01), ("b", None, 0.0), ("a", "written", 0.001)]


@pytest.mark.requirement("M02")
def test_the_days_costs_are_the_ledgers_and_days_before_it_keep_their_jobs(
    make_settings: MakeSettings, database_url: str
) -> None:
    async def scenario(ledger: Ledger) -> None:
        await ledger.settle(await ledger.reserve(call("a")), "invalid_content", Tokens(1, 1), 0.004)
        await ledger.reserve(call("b", usd=0.02))

    with_ledger(make_settings(), scenario)
    insert = (
        "INSERT INTO jobs (id, created_at, client_id, topic, content_type, priority, status, expires_at, cost_usd)"
        " VALUES (gen_random_uuid(), {}, 'acme', 'x', 'blog', 'cost', 'completed', now(), 0.5)"
    )
    for moment in ("now()", "now()", "now() - interval '3 days'"):
        rows(database_url, insert.format(moment))
    today, before = rows(database_url, "SELECT * FROM daily_costs ORDER BY day DESC")
    assert [float(today[column]) for column in ("requests", "llm_cost_usd", "request_cost_usd", "total_cost_usd")] == [
        2,
        0.024,
        0.002,
        0.026,
    ]
    assert [float(before[column]) for column in ("requests", "llm_cost_usd", "total_cost_usd")] == [1, 0.5, 0.501]


def test_figures_count_what_was_charged_and_a_text_from_the_cache_never_again(
    make_settings: MakeSettings, database_url: str
) -> None:
    def figures() -> tuple[float, ...]:
        taken = [
            TOKENS.labels("gemini-2.5-flash", one)._value.get() for one in ("input", "output", "thought", "cached")
        ]
        return (*taken, COST.labels("gemini-2.5-flash")._value.get())

    before = figures()
    with provider("gemini") as one:
        for _ in range(3):
            write(using(make_settings, one, llm_cache_seconds=86_400))
    assert [after - first for after, first in zip(figures(), before, strict=True)] == pytest.approx(
        [1000, 500, 200, 100, 0.00155]
    )


def im_variables(one: Provider) -> dict[str, str]:
    return {
        "LLM_PROVIDERS": one.name,
        f"{one.name.upper()}_API_KEY": "k" * 20,
        f"{one.name.upper()}_BASE_URL": one.url,
    }


def test_the_ledger_knows_the_job_of_a_call(fleet: Fleet, make_settings: MakeSettings, database_url: str) -> None:
    with provider("openai") as one, fleet.process("im", "serve", "--role", "im", **im_variables(one)) as (_, url):

        async def scenario(services: Services) -> None:
            job = await ended(services, await accept(services))
            [row] = calls(database_url)
            assert (row["job_id"], row["attempt"], row["client_id"]) == (str(job.id), 1, "acme")
            assert float(row["cost_usd"]) == job.usage.cost_usd == 0.00125

        in_service(make_settings(im_url=url, grace_seconds=6), scenario)


def test_a_job_that_no_provider_may_write_about_fails_with_a_sentence(
    fleet: Fleet, make_settings: MakeSettings, database_url: str
) -> None:
    refusal = good("openai", "", "refused")
    with (
        provider("openai", refusal) as one,
        fleet.process("im", "serve", "--role", "im", **im_variables(one)) as (_, url),
    ):

        async def scenario(services: Services) -> None:
            job = await ended(services, await accept(services))
            assert (job.status, job.attempt, job.error_type) == ("failed", 1, "content_refused")
            assert job.error == "The text provider refuses to write about this. Change the topic."

        in_service(make_settings(im_url=url, grace_seconds=6), scenario)
    assert len(one.seen) == len(calls(database_url)) == 1


def test_im_killed_during_a_call_leaves_it_to_be_counted_and_the_job_gets_its_text(
    fleet: Fleet, make_settings: MakeSettings, database_url: str
) -> None:
    with provider("openai") as one:
        one.hold.clear()
        short = {**im_variables(one), "LLM_TIMEOUT_SECONDS": "1"}
        with fleet.process("dying", "serve", "--role", "im", **short) as (process, url):
            jobs = []

            async def begun(services: Services) -> None:
                jobs.append(await accept(services))
                while not one.seen:
                    await asyncio.sleep(0.02)
                process.kill()
                process.wait()

            in_service(make_settings(im_url=url, grace_seconds=6), begun)
        one.hold.set()
        with fleet.process("im", "serve", "--role", "im", **short) as (_, url):

            async def scenario(services: Services) -> None:
                assert (await ended(services, jobs[0])).attempt == 1

            in_service(make_settings(im_url=url, grace_seconds=6, job_sweep_seconds=0.5, job_lease_seconds=1), scenario)
    eventually(lambda: [row["outcome"] for row in calls(database_url)] == ["abandoned", "written"])
    assert json.loads(one.seen[0].body)["model"] == "gpt-5-mini" and len(one.seen) == 2
