"""video-gateway: one process answers and renders, because the GPU is in its pod."""

import random
from collections.abc import Mapping

from tests.load.product import Ask, Floor, Product, Role, Spot

URGENCIES = ("low", "normal", "high")


def _video(number: int, seconds: int) -> Mapping[str, object]:
    return {"prompt": f"Green hills, kite {number}", "seconds": seconds, "priority": random.choice(URGENCIES)}


MADE = "SELECT id, status, attempt FROM generated_videos"
SHORT = Ask("short video", 3, "/api/generate", "/api/videos/{id}", lambda number: _video(number, 2), MADE)
LONGER = Ask("longer video", 1, "/api/generate", "/api/videos/{id}", lambda number: _video(number, 3), MADE)
GATEWAY = Role("videos", ("serve", "--role", "videos"), {"ENABLE_AI_VIDEO": "true"})
VIDEO_GATEWAY = Product(
    name="video-gateway",
    asks=(SHORT, LONGER),
    id_field="id",
    accepted=202,
    done="ready",
    tables=("generated_videos", "pgqueuer", "pgqueuer_log"),
    api=GATEWAY,
    workers=(),
    page=Role("videos-page", ("serve", "--role", "videos-page")),
    listing="/api/videos",
    floor=Floor(
        "app.video_gateway.models:NewVideo",
        "id text PRIMARY KEY, created_at timestamptz NOT NULL, owner text NOT NULL, prompt text,"
        " seconds integer NOT NULL, priority text NOT NULL, request_id text, expires_at timestamptz NOT NULL",
        "INSERT INTO bare (id, created_at, owner, prompt, seconds, priority, expires_at)"
        " VALUES ($1, now(), 'guest', $2, $3, $4, now() + interval '1 day')",
        ("prompt", "seconds", "priority"),
    ),
    bucket=True,
    spot=Spot(GATEWAY, SHORT),
)
