"""Texts as content-generation and blog-ai are asked for them: one API, with another process behind it."""

import random
from collections.abc import Mapping

from tests.load.product import Ask, Floor

PRIORITIES = ("cost", "quality", "speed", "balanced")
TOPICS = ("brewing coffee", "remote work", "electric cars", "better sleep", "learning the piano")


def _body(number: int, content_type: str) -> Mapping[str, object]:
    topic = f"{random.choice(TOPICS)} {number}"
    body = {"topic": topic, "content_type": content_type, "client_id": "load", "keywords": ["practice"]}
    return {**body, "priority": random.choice(PRIORITIES)}


MADE = "SELECT id, status, attempt FROM jobs"
ASKS = (
    Ask("blog", 3, "/generate", "/status/{id}", lambda number: _body(number, "blog"), MADE),
    Ask("social", 1, "/generate", "/status/{id}", lambda number: _body(number, "social"), MADE),
)
TABLES = ("jobs", "pgqueuer", "pgqueuer_log", "idempotency_keys")
FLOOR = Floor(
    "app.domain:GenerationRequest",
    "id text PRIMARY KEY, created_at timestamptz NOT NULL, client_id text NOT NULL, owner text, topic text NOT NULL,"
    " content_type text NOT NULL, keywords jsonb NOT NULL, priority text NOT NULL, fresh boolean NOT NULL,"
    " request_id text, trace_parent text, expires_at timestamptz NOT NULL",
    "INSERT INTO bare (id, created_at, client_id, owner, topic, content_type, keywords, priority, fresh, expires_at)"
    " VALUES ($1, now(), $2, $2, $3, $4, $5, $6, $7, now() + interval '1 day')",
    ("client_id", "topic", "content_type", "keywords", "priority", "fresh"),
)
