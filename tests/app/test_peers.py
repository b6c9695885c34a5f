"""Calling one of several im instances (A14), and asking the region that owns a job (G01)."""

import asyncio
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx
import pytest
from conftest import Fleet, Servers
from listening import Answer, Seen, listening

from app import peers
from app.domain import Assignment
from app.peers import CHECK_SECONDS, PROBE_SECONDS, ImClient, Peers
from app.writers.base import WriterError
from app.writers.embedded import EmbeddedWriter

ASSIGNMENT = Assignment(topic="Quiet offices", content_type="social")  # type: ignore[arg-type]
TEXT = asyncio.run(EmbeddedWriter().write(ASSIGNMENT, "embedded-brief")).model_dump_json().encode()
BODY = {"topic": "Growing tomatoes on a balcony", "content_type": "social", "client_id": "acme"}


@dataclass
class Instances:
    """Instances of im by name; those in `ill` say so, and count what they were asked all the same."""

    ill: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)
    probed: Counter[str] = field(default_factory=Counter)

    def start(self, stack: ExitStack, name: str) -> str:
        def answer(seen: Seen) -> Answer:
            if seen.path == "/health":
                self.probed[name] += 1
                return (503 if name in self.ill else 200), b"{}"
            self.asked[name] += 1
            return 200, TEXT

        return stack.enter_context(listening(answer))


async def write(found: Peers, client: httpx.AsyncClient, times: int = 1) -> None:
    for _ in range(times):
        draft = await ImClient(found, client, 5).write(ASSIGNMENT, {})
        assert draft.content.content_type == "social"


@pytest.mark.requirement("A14")
def test_only_healthy_instances_are_asked_in_random_order_and_all_when_none_is() -> None:
    async def scenario(urls: list[str]) -> None:
        async with httpx.AsyncClient() as client:
            found = Peers(urls, client)
            await found.check()
            await write(found, client, 40)
            assert instances.asked["ill"] == 0
            assert instances.asked["one"] >= 5 and instances.asked["two"] >= 5, "the choice is random"
            instances.ill = {"ill", "one", "two"}
            await found.check()
            await write(found, client, 40)
            assert instances.asked["ill"] >= 5

    instances = Instances(ill={"ill"})
    with ExitStack() as stack:
        urls = [instances.start(stack, name) for name in ("ill", "one", "two")]
        asyncio.run(scenario(urls))


@pytest.mark.requirement("A14")
def test_health_is_asked_again_and_an_instance_that_recovered_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (CHECK_SECONDS, PROBE_SECONDS) == (30, 5)
    monkeypatch.setattr(peers, "CHECK_SECONDS", 0.02)
    monkeypatch.setattr(peers, "DOWN_SECONDS", 0.02)

    async def scenario(url: str) -> None:
        async with httpx.AsyncClient() as client:
            found = Peers([url], client)
            watching = asyncio.create_task(found.watch())
            async with asyncio.timeout(10):
                while found.peers[0].healthy:
                    await asyncio.sleep(0.01)
                instances.ill.clear()
                while not found.peers[0].healthy:
                    await asyncio.sleep(0.01)
            watching.cancel()
        assert instances.probed["one"] >= 2

    instances = Instances(ill={"one"})
    with ExitStack() as stack:
        asyncio.run(scenario(instances.start(stack, "one")))


@pytest.mark.requirement("A14")
def test_while_no_instance_is_healthy_everybody_knows_and_asks_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "DOWN_SECONDS", 0.02)

    async def scenario(url: str) -> None:
        async with httpx.AsyncClient() as client:
            found = Peers([url, "http://127.0.0.1:1"], client)
            watching = asyncio.create_task(found.watch())
            async with asyncio.timeout(10):
                await found.down.wait()
                assert not found.up.is_set()
                instances.ill.clear()
                await found.up.wait()
            assert not found.down.is_set()
            watching.cancel()

    instances = Instances(ill={"one"})
    with ExitStack() as stack:
        asyncio.run(scenario(instances.start(stack, "one")))


@pytest.mark.requirement("A14")
def test_an_instance_that_cannot_be_reached_is_left_for_the_next_one_and_a_silent_one_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(url: str) -> None:
        async with httpx.AsyncClient() as client:
            found = Peers(["http://127.0.0.1:1", url], client)
            await write(found, client, 10)
            assert [peer.healthy for peer in found.peers] == [False, True]
            with pytest.raises(WriterError, match="could not be reached") as nobody:
                await write(Peers(["http://127.0.0.1:1"], client), client)
            assert nobody.value.kind == "im_unreachable" and not nobody.value.failure.counted
            deaf = await asyncio.start_server(lambda reader, writer: asyncio.sleep(60), "127.0.0.1", 0)
            address = f"http://127.0.0.1:{deaf.sockets[0].getsockname()[1]}"
            monkeypatch.setattr(peers, "SPARE_SECONDS", 0)
            with pytest.raises(WriterError) as silent:
                await ImClient(Peers([address], client), client, 0.2).write(ASSIGNMENT, {})
            assert silent.value.kind == "im_timeout" and not silent.value.failure.counted
            deaf.close()

    instances = Instances()
    with ExitStack() as stack:
        asyncio.run(scenario(instances.start(stack, "one")))


def test_a_job_of_another_region_is_answered_through_that_region(fleet: Fleet, servers: Servers) -> None:
    """Two regions with one key between them; each has its jobs in its own database in production."""
    europe = {"REGION": "eu-west-1"}
    with (
        fleet.process("europe", "serve", "--role", "cpm", **europe) as (owner, there),
        fleet.process("america", "serve", "--role", "cpm", REGION_URLS=f'{{"eu-west-1": "{there}"}}') as (_, here),
    ):
        job = httpx.post(f"{there}/generate", json=BODY).json()["job_id"]
        assert job.startswith("euw1-")
        asked = httpx.get(f"{here}/status/{job}")
        assert asked.status_code == 200 and asked.json()["job_id"] == job
        assert asked.headers.get_list("X-Frame-Options") == ["DENY"]
        unknown = f"euw1-{job[5:-4]}0000"
        assert httpx.get(f"{here}/status/{unknown}").status_code == 404
        owner.kill()
        owner.wait()
        gone = httpx.get(f"{here}/status/{job}")
        assert gone.status_code == 502 and "euw1" in gone.json()["detail"]
        once = httpx.get(f"{here}/status/{job}", headers={"X-Asked-Region": "apse1"})
        assert once.status_code == 200, "a region that is asked by another does not ask on: here it looks for itself"
