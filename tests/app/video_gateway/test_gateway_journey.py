"""A video from the prompt to the download, by the gateway as a real process."""

from __future__ import annotations

import asyncio

import httpx
from conftest import Fleet
from gateway_site import ASKED, ended, made

from app.video.encoder import decoded_frames


def test_a_prompt_becomes_a_video_that_is_listed_downloaded_and_deleted(gateway_fleet: Fleet) -> None:
    with (
        gateway_fleet.process("videos", "serve", "--role", "videos") as (_, url),
        httpx.Client(base_url=url) as client,
    ):
        video = made(client)
        found = ended(client, video)
        assert (found["status"], found["percent"], found["error"]) == ("ready", 100, None)
        film = httpx.get(found["url"])
        assert (film.status_code, film.headers["content-type"]) == (200, "video/mp4")
        for path in (found["file"], f"/api/videos/{video}/file"):
            own = client.get(path)
            assert own.headers["content-type"] == "video/mp4"
            assert own.content == film.content and len(own.content) == found["bytes"]
        assert asyncio.run(decoded_frames(film.content)) == 24
        (listed,) = client.get("/api/videos").json()
        assert (listed["id"], listed["status"], listed["prompt"]) == (video, "ready", ASKED["prompt"])
        assert client.delete(f"/api/videos/{video}").status_code == 204
        assert client.get(f"/api/videos/{video}").status_code == 404
        assert client.get(found["file"]).status_code == 404
        assert httpx.get(found["url"]).status_code == 404
        assert client.get("/api/videos").json() == []
