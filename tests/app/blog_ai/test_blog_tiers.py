"""Tiers of API keys on the running application (E04): by the minute, for posts, and by the day."""

from __future__ import annotations

import time

import pytest
import redis
from blog_site import MakeBlog
from conftest import Servers
from starlette.testclient import TestClient

TOKEN = "an-administrators-token"
SETTINGS = {"rate_limit_enabled": True, "allowed_admin_ips": "203.0.113.0/24", "admin_token": TOKEN}
DAY = 86_400


def new_key(client: TestClient, tier: str) -> tuple[str, dict[str, str]]:
    body = {"client_id": "acme", "tier": tier}
    made = client.post("/admin/keys", json=body, headers={"X-Admin-Token": TOKEN}).json()
    return made["key"]["id"], {"X-API-Key": made["secret"]}


def post(client: TestClient, key: dict[str, str], number: int = 0) -> tuple[int, dict[str, str]]:
    reply = client.post("/generate", json={"topic": f"Tea at home {number}", "content_type": "blog"}, headers=key)
    return reply.status_code, dict(reply.headers)


@pytest.mark.requirement("E04")
@pytest.mark.parametrize(
    ("tier", "general", "generation"),
    [("free", "30", 5), ("starter", "60", 15), ("pro", "120", 30), ("business", "300", 60)],
)
def test_a_key_may_ask_for_as_many_posts_a_minute_as_its_tier_says(
    make_blog: MakeBlog, tier: str, general: str, generation: int
) -> None:
    client = make_blog(**SETTINGS)
    _, key = new_key(client, tier)
    assert client.get("/jobs", headers=key).headers["x-ratelimit-limit"] == general
    answers = [post(client, key, number)[0] for number in range(generation + 1)]
    assert answers == [202] * generation + [429]


@pytest.mark.requirement("E04")
@pytest.mark.parametrize(("tier", "texts"), [("free", 100), ("starter", 500), ("pro", 2000)])
def test_the_post_beyond_a_days_texts_is_refused_until_the_day_has_room(
    make_blog: MakeBlog, servers: Servers, tier: str, texts: int
) -> None:
    client = make_blog(**SETTINGS)
    name, key = new_key(client, tier)
    store = redis.Redis.from_url(servers.redis_url)
    # All but one of the day's texts, as the script counts them.
    spent = {"window": int(time.time()) // DAY, "count": texts - 1, "before": 0}
    store.hset(f"limit:day:key:{name}", mapping=spent)
    assert post(client, key)[0] == 202
    status, headers = post(client, key)
    assert (status, headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == (429, str(texts), "0")
    assert 0 < int(headers["retry-after"]) <= 2 * DAY


@pytest.mark.requirement("E04")
def test_a_business_key_has_no_limit_by_the_day(make_blog: MakeBlog) -> None:
    client = make_blog(**SETTINGS)
    _, key = new_key(client, "business")
    assert "day" not in post(client, key)[1]["ratelimit-policy"]
