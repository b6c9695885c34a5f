"""Values that a later release wrote: its rows and answers are read by this one after a rollback, and beside it while it
rolls out.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack

import httpx
import pytest
from listening import listening
from pydantic import ValidationError
from starlette.testclient import TestClient
from under_load import run_sql

from app.cache import Cache
from app.domain import Assignment, Content, Draft
from app.peers import ImClient, Peers
from app.recipe_app.models import Amount, Recipe
from app.redis_link import RedisLink
from app.writers.embedded import EmbeddedWriter
from app.writers.texts import TextCache

ASSIGNMENT = Assignment(topic="Quiet offices", content_type="social")  # type: ignore[arg-type]
DRAFT = asyncio.run(EmbeddedWriter().write(ASSIGNMENT, "embedded-brief"))


def _later(draft: Draft) -> str:
    """The draft with fields that there are not yet, at every depth."""
    value = draft.model_dump(mode="json")
    value["mood"] = "calm"
    value["content"]["read_aloud"] = {"seconds": 40}
    for section in value["content"]["sections"]:
        section["picture"] = "offices.jpg"
    return json.dumps(value)


LATER = _later(DRAFT)


def test_a_job_that_a_later_release_finished_is_shown_with_what_this_one_knows(
    client: TestClient, database_url: str
) -> None:
    body = {"topic": "Quiet offices", "content_type": "social", "client_id": "acme"}
    job = client.post("/generate", json=body).json()["job_id"]
    content = json.dumps(json.loads(LATER)["content"]).replace("'", "''")
    run_sql(
        database_url,
        f"UPDATE jobs SET status = 'completed', finished_at = now(), content = '{content}' WHERE id = '{job}'",  # noqa: S608
        "SELECT 1",
    )
    shown = client.get(f"/status/{job}")
    assert shown.status_code == 200, shown.text
    assert shown.json()["result"]["title"] == DRAFT.content.title
    assert "read_aloud" not in shown.json()["result"]


def test_an_answer_of_a_later_im_is_taken() -> None:
    async def ask(url: str) -> object:
        async with httpx.AsyncClient() as http:
            return await ImClient(Peers([url], http), http, 5).write(ASSIGNMENT, {})

    with ExitStack() as stack:
        url = stack.enter_context(listening(lambda seen: (200, b"{}" if seen.path == "/health" else LATER.encode())))
        assert asyncio.run(ask(url)) == DRAFT


def test_a_text_that_a_later_release_kept_is_used() -> None:
    class Kept(Cache):
        async def get(self, key: str) -> str | None:
            return LATER

    cache = Kept(RedisLink(None, 0.1), 0, 60)
    found = asyncio.run(TextCache(cache, 60, Draft).get("any"))
    assert found is not None and found.content == DRAFT.content and found.cached


def test_a_recipe_of_a_later_release_is_read() -> None:
    amount = {"name": "rice", "amount": "200 g"}
    recipe = {"title": "Rice", "ingredients": [{**amount, "brand": "any"}], "steps": ["Cook."], "minutes": 20}
    assert Recipe.as_stored({**recipe, "calories": 400}).ingredients == (Amount(**amount),)


@pytest.mark.parametrize("where", ["draft", "content"])
def test_a_model_or_a_client_that_sends_an_unknown_field_is_refused_as_ever(where: str) -> None:
    value = json.loads(DRAFT.model_dump_json())
    (value if where == "draft" else value["content"])["mood"] = "calm"
    with pytest.raises(ValidationError, match="mood"):
        Draft.model_validate(value)
    with pytest.raises(ValidationError):
        Content.model_validate_json(LATER)
