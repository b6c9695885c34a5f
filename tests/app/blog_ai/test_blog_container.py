"""The one container of blog-ai as its pod runs it: two ports, posts from the request to the text, and faults."""

import asyncio
import json
import math
import os
import signal
from contextlib import suppress

import httpx
import psutil
import pytest
import websockets
from blog_site import Blog, BlogFleet
from conftest import eventually, run_app
from websockets.asyncio.client import connect

from app.processors import processors

BODY = {"topic": "Growing tomatoes on a balcony", "content_type": "blog", "client_id": "acme"}

PATIENCE = 30.0
"""Seconds for an answer: while both server processes are replaced, requests wait in the listener."""


def written(blog: Blog, topic: str = BODY["topic"]) -> str:
    reply = httpx.post(f"{blog.api}/generate", json={**BODY, "topic": topic}, timeout=PATIENCE)
    assert reply.status_code == 202, reply.text
    return str(reply.json()["job_id"])


def status(blog: Blog, job: str) -> dict[str, object]:
    return dict(httpx.get(f"{blog.api}/status/{job}", params={"client_id": "acme"}, timeout=PATIENCE).json())


def completed(blog: Blog, job: str) -> dict[str, object]:
    return eventually(lambda: found if (found := status(blog, job))["status"] == "completed" else None)


def children(blog: Blog) -> list[psutil.Process]:
    """The living server processes below the parent, without multiprocessing's own helper."""
    found = []
    for one in psutil.Process(blog.process.pid).children():
        with suppress(psutil.NoSuchProcess):
            if "resource_tracker" not in str(one.cmdline()):
                found.append(one)
    return found


@pytest.mark.requirement("Z05")
@pytest.mark.requirement("K01")
@pytest.mark.requirement("E10")
def test_one_container_answers_on_two_ports_and_writes_posts_itself(blog_fleet: BlogFleet) -> None:
    with blog_fleet.container(UVICORN_WORKERS="2") as blog:
        assert len(children(blog)) == 2
        page = httpx.get(blog.page)
        assert page.status_code == 200 and "<title>Blog AI</title>" in page.text
        assert httpx.get(f"{blog.api}/health").json() == {"status": "healthy"}
        assert httpx.get(f"{blog.page}/health").json() == {"status": "healthy"}
        assert httpx.get(blog.api).status_code == 404, "the page is on its own port alone"
        job = written(blog)
        post = completed(blog, job)
        assert len(post["result"]["sections"]) >= 2  # type: ignore[index]
        # The page's port has the API too, so that the page has one origin.
        assert httpx.get(f"{blog.page}/status/{job}", params={"client_id": "acme"}).json()["status"] == "completed"
        for _ in range(20):
            assert httpx.get(f"{blog.api}/api/health").status_code == 200
        figures = httpx.get(f"{blog.api}/metrics").text
        assert 'http_requests_total{endpoint="/api/health",method="GET",status="200"} 20.0' in figures
        assert 'content_requests_total{status="success"} 1.0' in figures
        assert httpx.get(f"{blog.page}/metrics").status_code == 404
        resident = sum(one.memory_info().rss for one in (psutil.Process(blog.process.pid), *children(blog)))
        print(f"resident of all: {resident / 2**20:.0f} MiB")
        assert resident < 512 * 2**20, "the request of the document's pod"


@pytest.mark.requirement("E08")
def test_progress_comes_by_websocket_on_either_port_until_the_post_is_there(blog_fleet: BlogFleet) -> None:
    async def seen(address: str, job: str) -> list[str]:
        states: list[str] = []
        async with connect(f"{address.replace('http', 'ws')}/ws/jobs/{job}") as socket:
            await socket.send(json.dumps({"token": None}))
            try:
                async for message in socket:
                    states.append(json.loads(message)["status"])
            except websockets.ConnectionClosed:
                pass
        return states

    with blog_fleet.container() as blog:
        for number, address in enumerate((blog.api, blog.page)):
            states = asyncio.run(seen(address, written(blog, f"Growing tomatoes {number}")))
            assert states[-1] == "completed", states


def test_a_killed_process_is_replaced_and_its_jobs_are_written(blog_fleet: BlogFleet) -> None:
    with blog_fleet.container(UVICORN_WORKERS="2") as blog:
        before = {one.pid for one in children(blog)}
        for victim in before:
            jobs = [written(blog, f"Tomatoes {victim} {number}") for number in range(5)]
            os.kill(victim, signal.SIGKILL)
            eventually(lambda dead=victim: dead not in (pids := {one.pid for one in children(blog)}) and len(pids) == 2)
            for job in jobs:
                assert completed(blog, job)["attempt"] in (1, 2)
        assert not before & {one.pid for one in children(blog)}
        assert blog.process.poll() is None


def test_processes_that_cannot_live_end_the_container(blog_fleet: BlogFleet) -> None:
    with blog_fleet.container(UVICORN_WORKERS="2") as blog:

        def ended() -> bool:
            for one in children(blog) if blog.process.poll() is None else []:
                one.kill()
            return blog.process.poll() is not None

        eventually(ended)
        assert blog.process.returncode == 1
    assert "server processes cannot live" in blog_fleet.fleet.log("blog-ai").read_text()


def test_a_container_on_its_way_out_is_not_ready_then_ends_what_it_began(blog_fleet: BlogFleet) -> None:
    with blog_fleet.container(UVICORN_WORKERS="2", DRAIN_SECONDS="2") as blog:
        jobs = [written(blog, f"Tomatoes {number}") for number in range(10)]
        blog.process.terminate()
        eventually(lambda: httpx.get(f"{blog.api}/ready").status_code == 503)
        assert httpx.get(f"{blog.page}/ready").status_code == 503
        assert httpx.get(blog.page).status_code == 200
        assert blog.process.wait(timeout=20) == 0
    with blog_fleet.container("next") as blog:
        for job in jobs:
            completed(blog, job)


@pytest.mark.requirement("E10")
def test_more_server_processes_than_the_processors_are_good_for_are_refused_by_name(blog_fleet: BlogFleet) -> None:
    many = str(math.floor(2 * processors() + 1) + 1)
    refused = run_app(blog_fleet.fleet, "serve", "--role", "blog-ai", UVICORN_WORKERS=many)
    assert refused.returncode == 2
    assert f"configuration: UVICORN_WORKERS: {many} is more than 2 x " in refused.stderr
