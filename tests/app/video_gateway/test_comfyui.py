"""Rendering by ComfyUI: its protocol from the graph to the video, and each way in which it can go wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, cast

import httpx
import pytest
from conftest import Fleet, Servers, eventually
from fake_comfyui import Comfy
from gateway_site import MakeGateway, ended, made
from shelf import run_sql
from websockets.asyncio.client import ClientConnection

from app.failures import FAILURES
from app.ids import JobId
from app.process_settings import ConfigurationError, load
from app.video.failure import VideoFailed
from app.video_gateway import comfyui
from app.video_gateway.comfyui import ComfyRenderer, Run
from app.video_gateway.renderer import Order
from app.video_gateway.settings import GatewaySettings
from app.video_gateway.workflow import default_graph, filled_in, parsed

HOSTILE = 'a "cat"}, {"class_type": "Evil"} {seed} {name}'


@pytest.fixture
def comfy() -> Iterator[Comfy]:
    with Comfy().serving() as server:
        yield server


def order(prompt: str = "A lighthouse", seconds: int = 4) -> Order:
    return Order(JobId.new("use1"), prompt, seconds)


def rendered(comfy: Comfy, asked: Order, *, away: float = 1.0) -> tuple[bytes, list[int]]:
    """The video, and the percentages that were reported."""

    async def run() -> tuple[bytes, list[int]]:
        renderer, seen = ComfyRenderer(comfy.url, default_graph(), away=away), list[int]()
        try:
            return await renderer.render(asked, seen.append), seen
        finally:
            await renderer.close()

    return asyncio.run(run())


def failure(comfy: Comfy, asked: Order | None = None) -> VideoFailed:
    with pytest.raises(VideoFailed) as failed:
        rendered(comfy, asked or order())
    return failed.value


def test_a_graph_is_queued_followed_and_its_video_fetched(comfy: Comfy) -> None:
    asked = order("A lighthouse in a storm", 4)
    video, seen = rendered(comfy, asked)
    assert video == comfy.video
    # Messages from before the connection may be missed.
    assert seen == [25, 50, 75, 99][-len(seen) :] and seen
    (posted,) = comfy.posted
    assert posted["prompt_id"] == posted["client_id"] == str(asked.id.uuid)
    graph = posted["prompt"]
    assert graph["5"]["inputs"]["text"] == "A lighthouse in a storm"
    assert graph["7"]["inputs"]["length"] == 4 * 16 + 1
    assert graph["11"]["inputs"]["filename_prefix"] == f"gateway/{asked.id}"
    assert 0 <= graph["8"]["inputs"]["seed"] < 2**32


def test_a_prompt_cannot_change_the_graph() -> None:
    graph: Any = filled_in(default_graph(), order(HOSTILE))
    assert graph["5"]["inputs"]["text"] == HOSTILE
    assert set(graph) == set(default_graph())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "COMFYUI_WORKFLOW"),
        ("[]", "no JSON object of nodes"),
        ('{"nodes": []}', "API format"),
        ('{"1": {"class_type": "SaveVideo", "inputs": {}}}', "no node takes the prompt"),
    ],
)
def test_a_workflow_that_cannot_be_one_ends_the_process_before_it_serves(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "DATABASE_URL_DIRECT"):
        monkeypatch.setenv(name, "postgresql://a:b@c/d")
    monkeypatch.setenv("COMFYUI_WORKFLOW", text)
    with pytest.raises(ConfigurationError, match=said):
        load(GatewaySettings)
    assert parsed(json.dumps(dict(default_graph()))) == default_graph()


@pytest.mark.parametrize(
    ("wrong", "kind", "final", "counted"),
    [
        ({"refuses": True}, "renderer_refused", True, True),
        ({"outcome": "error"}, "video_failed", False, True),
        ({"outcome": "interrupted"}, "renderer_interrupted", False, False),
        ({"outcome": "nothing"}, "video_missing", False, True),
        ({"outcome": "picture"}, "video_missing", False, True),
        ({"outcome": "huge"}, "video_too_large", True, True),
        ({"broken": 503}, "renderer_unreachable", False, False),
    ],
)
def test_each_failure_is_of_its_own_kind(
    comfy: Comfy, wrong: dict[str, object], kind: str, final: bool, counted: bool
) -> None:
    for name, value in wrong.items():
        setattr(comfy, name, value)
    failed = failure(comfy)
    assert failed.kind == kind
    assert (FAILURES[kind].final, FAILURES[kind].counted) == (final, counted)


def test_the_words_of_an_error_stay_in_the_log_and_the_next_attempt_begins_anew(comfy: Comfy) -> None:
    asked = order()
    comfy.outcome = "error"
    assert "KSampler: out of memory" in str(failure(comfy, asked))
    assert "memory" not in FAILURES["video_failed"].sentence
    comfy.outcome = "success"
    assert rendered(comfy, asked)[0] == comfy.video
    assert len(comfy.posted) == 2


def test_a_server_that_is_away_is_a_failure_that_does_not_count() -> None:
    assert failure(Comfy(video=b"")).kind == "renderer_unreachable"


def test_an_address_that_answers_something_else_is_no_renderer(comfy: Comfy) -> None:
    async def run() -> None:
        renderer = ComfyRenderer(f"{comfy.url}/elsewhere", default_graph())
        with pytest.raises(VideoFailed) as failed:
            await renderer.render(order(), lambda _: None)
        assert failed.value.kind == "renderer_unreachable"
        await renderer.close()

    asyncio.run(run())


def test_without_any_message_the_history_says_that_it_is_done(comfy: Comfy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comfyui, "LOOK_SECONDS", 0.2)
    comfy.silent = True
    assert rendered(comfy, order()) == (comfy.video, [])


def test_a_history_that_is_written_late_is_waited_for(comfy: Comfy) -> None:
    comfy.history_delay = 1.0
    assert rendered(comfy, order())[0] == comfy.video


def test_what_was_rendered_before_is_not_rendered_again(comfy: Comfy) -> None:
    asked = order()
    rendered(comfy, asked)
    assert rendered(comfy, asked)[0] == comfy.video
    assert len(comfy.posted) == len(comfy.rendered) == 1


def test_a_server_that_gives_ids_of_its_own_is_followed_by_them(comfy: Comfy) -> None:
    comfy.own_ids = True
    video, seen = rendered(comfy, order())
    assert (video, seen[-1]) == (comfy.video, 99)


async def while_rendering(
    comfy: Comfy, work: Callable[[asyncio.Task[bytes], ComfyRenderer], Awaitable[None]], *, away: float = 10.0
) -> None:
    """Do something while a graph is executed that is held."""
    comfy.holding = True
    renderer = ComfyRenderer(comfy.url, default_graph(), away=away)
    rendering = asyncio.create_task(renderer.render(order(), lambda _: None))
    async with asyncio.timeout(20):
        while not comfy.running:
            await asyncio.sleep(0.02)
        await work(rendering, renderer)
    await renderer.close()


def test_a_connection_that_breaks_in_mid_job_is_taken_up_again() -> None:
    comfy = Comfy()

    async def restarted(rendering: asyncio.Task[bytes], _: ComfyRenderer) -> None:
        await asyncio.to_thread(serving.__exit__, None, None, None)
        await asyncio.sleep(0.5)
        comfy.holding = False
        with comfy.serving():
            assert await rendering == comfy.video
        assert len(comfy.posted) == 1

    serving = comfy.serving()
    serving.__enter__()
    asyncio.run(while_rendering(comfy, restarted))


def test_a_server_that_lost_the_graph_is_a_failure_that_counts() -> None:
    comfy = Comfy()

    async def crashed(rendering: asyncio.Task[bytes], _: ComfyRenderer) -> None:
        await asyncio.to_thread(serving.__exit__, None, None, None)
        comfy.forget_everything()
        with comfy.serving(), pytest.raises(VideoFailed) as failed:
            await rendering
        assert failed.value.kind == "renderer_lost" and FAILURES["renderer_lost"].counted

    serving = comfy.serving()
    serving.__enter__()
    asyncio.run(while_rendering(comfy, crashed))


def test_a_server_that_stays_away_is_left_and_the_attempt_does_not_count() -> None:
    comfy = Comfy()

    async def gone(rendering: asyncio.Task[bytes], _: ComfyRenderer) -> None:
        await asyncio.to_thread(serving.__exit__, None, None, None)
        with pytest.raises(VideoFailed) as failed:
            await rendering
        assert failed.value.kind == "renderer_unreachable"

    serving = comfy.serving()
    serving.__enter__()
    asyncio.run(while_rendering(comfy, gone, away=1.0))


def test_a_rendering_that_is_cancelled_is_interrupted_at_the_server(comfy: Comfy) -> None:
    async def cancelled(rendering: asyncio.Task[bytes], renderer: ComfyRenderer) -> None:
        rendering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rendering
        await renderer.close()
        assert comfy.interrupted == [comfy.posted[0]["prompt_id"]]

    asyncio.run(while_rendering(comfy, cancelled))


def test_a_graph_that_waits_behind_anothers_is_taken_out_without_interrupting_that(comfy: Comfy) -> None:
    async def cancelled(rendering: asyncio.Task[bytes], renderer: ComfyRenderer) -> None:
        other = ComfyRenderer(comfy.url, default_graph())
        waiting = asyncio.create_task(other.render(order(), lambda _: None))
        while not comfy.pending:
            await asyncio.sleep(0.02)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await other.close()
        assert (comfy.pending, comfy.interrupted) == ([], [])
        comfy.holding = False
        assert await rendering == comfy.video

    asyncio.run(while_rendering(comfy, cancelled))


def test_the_gateway_shows_the_progress_stores_the_video_and_ends_what_is_deleted(
    make_gateway: MakeGateway, comfy: Comfy, servers: Servers, gateway_url: str
) -> None:
    comfy.holding = True
    client = make_gateway(comfyui_url=comfy.url)
    first, second = made(client), made(client)
    assert eventually(lambda: client.get(f"/api/videos/{first}").json()["percent"]) == 25
    assert client.get("/api/videos").json()[1]["percent"] == 25
    assert client.delete(f"/api/videos/{first}").status_code == 204
    eventually(lambda: comfy.interrupted == [comfy.posted[0]["prompt_id"]])
    comfy.holding = False
    found = ended(client, second)
    assert (found["status"], found["percent"], found["bytes"]) == ("ready", 100, len(comfy.video))
    assert httpx.get(found["url"]).content == comfy.video
    name = gateway_url.rpartition("/")[2].partition("?")[0]
    assert run_sql(servers, name, "SELECT id, attempt FROM generated_videos") == [(second, 1)]


def test_a_time_limit_holds_although_a_message_comes_in_the_same_moment() -> None:
    class Socket:
        """A connection whose only message comes when the time is over."""

        def __init__(self) -> None:
            self.due = asyncio.Event()

        async def recv(self) -> bytes:
            await self.due.wait()
            self.due.clear()
            return b"a preview"

    async def limited() -> None:
        renderer = ComfyRenderer("http://127.0.0.1:9", default_graph())
        socket, loop = Socket(), asyncio.get_running_loop()
        end = loop.time() + 0.05
        loop.call_at(end, socket.due.set)
        async with asyncio.timeout_at(end):
            await renderer._end_seen(cast("ClientConnection", socket), Run("a", "a"), lambda _: None)
        await renderer.close()

    with pytest.raises(TimeoutError):
        asyncio.run(limited())


def test_a_renderer_that_is_away_uses_up_no_attempt_and_one_that_is_slow_does(
    make_gateway: MakeGateway, servers: Servers, gateway_url: str
) -> None:
    comfy = Comfy()
    client = make_gateway(comfyui_url=comfy.url, job_max_attempts=2, render_seconds=1.0)
    video = made(client)
    name = gateway_url.rpartition("/")[2].partition("?")[0]
    eventually(lambda: run_sql(servers, name, "SELECT 1 FROM generated_videos WHERE waits > 1 AND attempt = 0"))
    assert client.get(f"/api/videos/{video}").json()["error"].startswith("The renderer is not available at the moment.")
    comfy.holding = True
    with comfy.serving():
        found = ended(client, video)
        assert (found["status"], found["error"]) == ("failed", "The video took too long to render.")
        assert len(comfy.posted) == 2 and comfy.interrupted


def test_a_process_that_is_killed_in_mid_job_has_its_video_taken_up_by_another(
    gateway_fleet: Fleet, comfy: Comfy, servers: Servers, gateway_url: str
) -> None:
    comfy.holding = True
    command = ("serve", "--role", "videos")
    with gateway_fleet.process("first", *command, COMFYUI_URL=comfy.url) as (process, url):
        with httpx.Client(base_url=url) as client:
            video = made(client)
            eventually(lambda: comfy.running)
        process.kill()
        process.wait()
    comfy.holding = False
    with (
        gateway_fleet.process("second", *command, COMFYUI_URL=comfy.url) as (_, url),
        httpx.Client(base_url=url) as client,
    ):
        assert ended(client, video)["status"] == "ready"
    assert len(comfy.posted) == len(comfy.rendered) == 1
    name = gateway_url.rpartition("/")[2].partition("?")[0]
    assert run_sql(servers, name, "SELECT status, attempt FROM generated_videos") == [("ready", 2)]
