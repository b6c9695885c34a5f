"""Hostile callers against a running fleet: sockets, addresses, keys, ids and replays (app.limits)."""

import asyncio
import json
from uuid import uuid4

import httpx
import pytest
import redis
from attack import BODY, attacked
from conftest import Fleet, Servers, eventually, run_app
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app import limits


@pytest.mark.requirement("E08")
def test_four_hundred_sockets_of_one_address_are_ten_and_cost_the_database_next_to_nothing(
    fleet: Fleet, database_url: str
) -> None:
    async def attack(url: str, job: str) -> list[int]:
        async def one() -> int:
            try:
                async with connect(f"{url.replace('http', 'ws')}/ws/jobs/{job}", open_timeout=60) as opened:
                    await opened.send(json.dumps({"token": None}))
                    await opened.recv()
                    await asyncio.wait_for(opened.recv(), 3)
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else 0
            except TimeoutError:
                return 1
            return 2

        return await asyncio.gather(*(one() for _ in range(400)))

    with attacked(fleet) as target:
        job = httpx.post(f"{target.url}/generate", json=BODY).json()["job_id"]
        codes = asyncio.run(attack(target.url, job))
        assert codes.count(1) <= limits.SOCKETS_PER_CALLER
        assert codes.count(4429) >= 400 - 2 * limits.SOCKETS_PER_CALLER
        assert httpx.get(f"{target.url}/ready").status_code == 200
        text = httpx.get(f"{target.url}/metrics").text
    assert 'websockets_total{code="4429"}' in text


@pytest.mark.requirement("E08")
def test_fifty_watched_sockets_are_one_question_to_the_database(fleet: Fleet, database_url: str) -> None:
    """Five callers with ten sockets each on a job of their own: what the database is asked does not grow with them."""
    import asyncpg

    async def transactions() -> int:
        connection = await asyncpg.connect(database_url)
        try:
            await connection.execute("SELECT pg_stat_force_next_flush()")
            name = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
            return int(await connection.fetchval(name))
        finally:
            await connection.close()

    async def watch(url: str, keys: list[str], jobs: list[str], seconds: float) -> int:
        async with asyncio.TaskGroup() as group:
            each = [pair for pair in zip(keys, jobs, strict=True) for _ in range(limits.SOCKETS_PER_CALLER)]
            opened = [group.create_task(hold(url, key, job, seconds)) for key, job in each]
        return sum(task.result() for task in opened)

    async def hold(url: str, key: str, job: str, seconds: float) -> int:
        async with connect(f"{url.replace('http', 'ws')}/ws/jobs/{job}", open_timeout=60) as one:
            await one.send(json.dumps({"token": key}))
            await one.recv()
            await asyncio.sleep(seconds)
            return int(one.close_code is None)

    with attacked(fleet) as target:
        keys = [json.loads(run_app(fleet, "keys", "create", f"client-{n}").stdout)["secret"] for n in range(5)]
        jobs = [
            httpx.post(
                f"{target.url}/generate",
                json={**BODY, "client_id": f"client-{number}"},
                headers={"X-API-Key": key},
            ).json()["job_id"]
            for number, key in enumerate(keys)
        ]
        assert asyncio.run(watch(target.url, keys, jobs, 1)) == 50
        before = asyncio.run(transactions())
        assert asyncio.run(watch(target.url, keys, jobs, 5)) == 50
        asked = asyncio.run(transactions()) - before
    # Each socket asks once for its job, with the pool's own question before it; looking at each for itself would be
    # fifty questions every 0.4 s, more than a thousand here.
    assert asked < 2 * 50 + 150


def test_a_binary_or_endless_first_message_closes_the_socket_in_words(fleet: Fleet) -> None:
    async def greet(url: str, job: str, message: str | bytes) -> int:
        async with connect(f"{url.replace('http', 'ws')}/ws/jobs/{job}") as opened:
            await opened.send(message)
            with pytest.raises(ConnectionClosed) as closed:
                await opened.recv()
            return closed.value.rcvd.code if closed.value.rcvd else 0

    with attacked(fleet) as target:
        job = httpx.post(f"{target.url}/generate", json=BODY).json()["job_id"]
        for message, code in ((b"x", 1003), ("nonsense", 4401), ("x" * 5000, 1009), ('{"other": 1}', 4401)):
            assert asyncio.run(greet(target.url, job, message)) == code
    assert "Traceback" not in fleet.log("cpm").read_text()


@pytest.mark.requirement("A10")
def test_one_ipv6_site_is_one_caller_by_the_minute_and_its_neighbours_by_the_hour(
    fleet: Fleet, servers: Servers
) -> None:
    redis.Redis.from_url(servers.redis_url).flushall()
    variables = {"RATE_LIMIT_ENABLED": "true", "TRUSTED_PROXIES": "127.0.0.1/32", "RATE_LIMIT_PER_HOUR": "40"}
    with attacked(fleet, **variables) as target, httpx.Client(base_url=target.url) as client:

        def post(address: str) -> int:
            return client.post("/generate", json=BODY, headers={"X-Forwarded-For": address}).status_code

        codes = [post(f"2001:db8:0:1::{number:x}") for number in range(1, 61)]
        assert (codes.count(202), codes.count(429)) == (10, 50)
        assert post("2001:db8:0:2::1") == 429, "by the hour a /48 is one caller"
        assert post("2001:db9:0:2::1") == 202


@pytest.mark.requirement("A11")
@pytest.mark.parametrize(
    ("forwarded", "status"),
    [("10.9.9.9", 403), ("198.51.100.7, 10.9.9.9", 403), ("198.51.100.7", 200), ("10.9.9.9, 198.51.100.7", 200)],
)
def test_an_address_is_not_forged_from_inside_the_trusted_networks_either(
    fleet: Fleet, forwarded: str, status: int
) -> None:
    """The gateway adds what it saw at the end; what stands before that was written by the client."""
    variables = {"TRUSTED_PROXIES": "10.0.0.0/8,127.0.0.0/8", "ALLOWED_ADMIN_IPS": "198.51.100.7/32"}
    token = "an-administrators-token"
    with fleet.process("cpm", "serve", "--role", "cpm", ADMIN_TOKEN=token, **variables) as (_, url):
        headers = {"X-Admin-Token": token, "X-Forwarded-For": forwarded}
        assert httpx.get(f"{url}/admin/flags", headers=headers).status_code == status


def test_a_job_id_beyond_time_is_no_job_and_no_error(fleet: Fleet) -> None:
    far = "use1-ffffffff-ffff-7fff-8fff-ffffffffffff"
    with attacked(fleet) as target, httpx.Client(base_url=target.url) as client:
        asked = [client.get(f"/status/{far}"), client.post(f"/cancel/{far}"), client.delete(f"/jobs/{far}")]
        assert {reply.status_code for reply in asked} == {404}
        assert client.get(f"/jobs?client_id=a&before={far}").status_code == 422
    assert "request failed" not in fleet.log("cpm").read_text()


@pytest.mark.requirement("E03")
def test_who_guesses_keys_reaches_the_limit_and_then_not_even_the_database(fleet: Fleet, servers: Servers) -> None:
    redis.Redis.from_url(servers.redis_url).flushall()
    variables = {"RATE_LIMIT_ENABLED": "true", "RATE_LIMIT_PER_MINUTE": "20"}
    with attacked(fleet, **variables) as target, httpx.Client(base_url=target.url) as client:
        codes = []
        for _ in range(100):
            key = f"cg_{uuid4().hex[:12]}_" + "x" * 43
            codes.append(client.get("/jobs", headers={"X-API-Key": key}).status_code)
        assert (codes.count(401), codes.count(429)) == (20, 80)
        remembered = redis.Redis.from_url(servers.redis_url).keys("cache:key:*")
    # Each look-up of an unknown key leaves a mark for half a minute; one more is made before the limit is known.
    assert len(remembered) <= 21


def test_replays_of_one_answer_are_no_new_texts(fleet: Fleet, servers: Servers) -> None:
    redis.Redis.from_url(servers.redis_url).flushall()
    with attacked(fleet, RATE_LIMIT_ENABLED="true") as target, httpx.Client(base_url=target.url) as client:
        replies = [client.post("/generate", json=BODY, headers={"Idempotency-Key": "one"}) for _ in range(15)]
        assert {reply.status_code for reply in replies} == {202}
        assert {reply.headers["X-RateLimit-Remaining"] for reply in replies} == {"9", "8"}


@pytest.mark.requirement("E01")
def test_questions_about_health_cost_the_stores_nothing(fleet: Fleet) -> None:
    from listening import Answer, Seen, listening

    asked = 0

    def payments(_: Seen) -> Answer:
        nonlocal asked
        asked += 1
        return 200, b"{}"

    with listening(payments) as provider:
        variables = {"STRIPE_API_URL": provider, "DATABASE_POOL_SIZE": "1", "DATABASE_MAX_OVERFLOW": "0"}
        with attacked(fleet, **variables) as target, httpx.Client(base_url=target.url) as client:
            eventually(lambda: client.get("/health/stripe").json() == {"stripe": {"connected": True}})
            for _ in range(100):
                for path in ("/health/db", "/health/cache", "/health/stripe", "/api/ready", "/ready"):
                    assert client.get(path).status_code == 200
    assert asked == 1


def test_a_full_request_pool_is_not_mistaken_for_a_database_that_is_gone(fleet: Fleet, database_url: str) -> None:
    """Every pooled connection waits for a lock that another client holds; the process is ready all the same."""
    import asyncpg

    async def hold(url: str) -> list[int]:
        connection = await asyncpg.connect(database_url)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            waiting = [asyncio.create_task(client.get("/jobs?client_id=a&limit=5")) for _ in range(6)]
            await asyncio.sleep(1.5)
            found = [(await client.get("/ready")).status_code for _ in range(20)]
            await transaction.rollback()
            await connection.close()
            assert {(await one).status_code for one in waiting} == {200}
        return found

    variables = {"DATABASE_POOL_SIZE": "2", "DATABASE_MAX_OVERFLOW": "0"}
    with attacked(fleet, **variables) as target:
        assert set(asyncio.run(hold(target.url))) == {200}
