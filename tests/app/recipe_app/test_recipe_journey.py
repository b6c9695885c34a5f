"""A recipe and its video from the request to the download, by the API and the two workers as real processes."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from conftest import Fleet, eventually

from app.video.encoder import decoded_frames

ASKED = {"ingredients": ["spaghetti", "tomatoes", "basil"], "servings": 2, "complexity": "simple"}


def finished(api: str, path: str, **headers: str) -> dict[str, Any]:
    """The answer of a path once it is pending no more."""

    def ended() -> dict[str, Any] | None:
        found = httpx.get(f"{api}{path}", headers=headers).json()
        return found if found["status"] not in ("pending", "in_progress") else None

    return eventually(ended)


@pytest.mark.requirement("Z04")
def test_a_recipe_is_written_filmed_downloaded_and_deleted(film_fleet: Fleet) -> None:
    with (
        film_fleet.process("recipes", "serve", "--role", "recipes") as (_, api),
        film_fleet.process("writer", "worker", "--queue", "ai_generation"),
        film_fleet.process("renderer", "worker", "--queue", "video_generation"),
    ):
        accepted = httpx.post(f"{api}/api/recipes", json=ASKED)
        assert accepted.status_code == 202, accepted.text
        path = f"/api/recipes/{accepted.json()['id']}"
        recipe = finished(api, path)
        assert recipe["status"] == "ready"
        assert recipe["title"] == "Pasta with tomatoes and basil" or "tomatoes" in recipe["title"]
        assert {"name": "spaghetti", "amount": "200 g"} in recipe["ingredients"]
        assert len(recipe["steps"]) > 4 and recipe["minutes"] > 10
        assert recipe["video"] is None
        assert httpx.post(f"{api}{path}/video").status_code == 202
        video = finished(api, f"{path}/video")
        assert video["status"] == "ready", video
        film = httpx.get(video["url"])
        assert (film.status_code, film.headers["content-type"]) == (200, "video/mp4")
        own = httpx.get(f"{api}{video['file']}")
        assert own.headers["content-type"] == "video/mp4"
        assert own.content == film.content and len(own.content) == video["bytes"]
        assert asyncio.run(decoded_frames(film.content)) >= 12
        (listed,) = httpx.get(f"{api}/api/recipes").json()
        assert (listed["id"], listed["status"], listed["video"]) == (recipe["id"], "ready", "ready")
        assert httpx.delete(f"{api}{path}").status_code == 204
        assert httpx.get(f"{api}{path}").status_code == 404
        assert httpx.get(video["url"]).status_code == 404
        assert httpx.get(f"{api}/api/recipes").json() == []
