"""Tavily, SerpApi and Stability AI on loopback: each speaks its protocol, refuses what the real one refuses, and can do
one thing wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from io import BytesIO
from threading import Event
from urllib.parse import parse_qs, urlsplit

from listening import Answer, Seen, listening
from PIL import Image

KEYS = {
    "tavily": "tvly-canary-key-of-tavily",
    "serp": "canary0key0of0serpapi",
    "stability": "sk-canary-key-of-stability",
}
NAMES = {"tavily": "tavily", "serp": "serpapi", "stability": "stability"}
"""Name in the ledger, by the name that the settings have."""
COSTS = {"tavily": 0.008, "serp": 0.025, "stability": 0.03}
JSON = {"Content-Type": "application/json"}
PAGES = [
    ("Grinding coffee", "https://coffee.example/grind", "Grind it just before you brew."),
    ("Water for coffee", "http://water.example/soft?for=coffee", "Soft water is better."),
]


def _jpeg() -> bytes:
    made = BytesIO()
    Image.new("RGB", (1344, 768), "seagreen").save(made, "JPEG")
    return made.getvalue()


JPEG = _jpeg()
"""A picture of the size that Stability AI gives for 16:9."""


def found(name: str, pages: list[tuple[object, object, object]] = PAGES) -> Answer:  # type: ignore[assignment]
    """The answer of a search that went well."""
    if name == "tavily":
        results = [{"title": t, "url": u, "content": c, "score": 0.9, "raw_content": None} for t, u, c in pages]
        body = {"query": "q", "answer": None, "images": [], "results": results, "response_time": 0.8, "request_id": "1"}
    else:
        organic = [{"position": n, "title": t, "link": u, "snippet": c} for n, (t, u, c) in enumerate(pages, 1)]
        body = {"search_metadata": {"id": "1", "status": "Success"}, "search_parameters": {"engine": "google"}}
        body |= {"organic_results": organic} if organic else {"error": "Google hasn't returned any results."}
    return 200, json.dumps(body).encode(), JSON


def drawn(body: bytes = JPEG, **headers: str) -> Answer:
    """The answer of a picture that went well."""
    return 200, body, {"Content-Type": "image/jpeg", "finish-reason": "SUCCESS", "seed": "7", **headers}


def refusal(status: int, **headers: str) -> Answer:
    """An error as they send it, with the key in it: none of it may get into a log."""
    return status, json.dumps({"error": f"key {' '.join(KEYS.values())} <script>"}).encode(), {**JSON, **headers}


@dataclass
class Outside:
    """One service: answers from a list, the last one for ever, each only while `hold` is set."""

    name: str
    answers: list[Answer]
    asked: list[str] = field(default_factory=list)
    url: str = ""
    hold: Event = field(default_factory=Event)

    @property
    def settings(self) -> dict[str, str]:
        """Settings of an application that asks it."""
        return {f"{self.name}_api_key": KEYS[self.name], f"{self.name}_base_url": self.url}

    @property
    def variables(self) -> dict[str, str]:
        """The same as variables of a process."""
        return {name.upper(): value for name, value in self.settings.items()}

    def answer(self, seen: Seen) -> Answer:
        topic = _CHECKS[self.name](seen)
        if topic is None:
            return refusal(401)
        self.asked.append(topic)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.hold.wait(20)
        return answer


@contextmanager
def outside(name: str, *answers: Answer) -> Iterator[Outside]:
    """One service on a free port; without answers it is good."""
    made = Outside(name, list(answers) or [drawn() if name == "stability" else found(name)])
    made.hold.set()
    with listening(made.answer) as made.url:
        yield made
        made.hold.set()


def _tavily(seen: Seen) -> str | None:
    """The query of POST /search with a bearer key; a search that is not basic would cost two credits."""
    if (seen.method, seen.path) != ("POST", "/search") or seen.headers["Authorization"] != f"Bearer {KEYS['tavily']}":
        return None
    body = json.loads(seen.body)
    return str(body["query"]) if body["search_depth"] == "basic" and 0 < body["max_results"] <= 20 else None


def _serp(seen: Seen) -> str | None:
    """`q` of GET /search.json?engine=google with the key."""
    address = urlsplit(seen.path)
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    good = (seen.method, address.path, asked["engine"], asked["api_key"]) == (
        "GET",
        "/search.json",
        "google",
        KEYS["serp"],
    )
    return asked["q"] if good else None


def _stability(seen: Seen) -> str | None:
    """The prompt of a form of several parts."""
    good = seen.headers["Authorization"] == f"Bearer {KEYS['stability']}" and seen.headers["Accept"] == "image/*"
    if (seen.method, seen.path) != ("POST", "/v2beta/stable-image/generate/core") or not good:
        return None
    form = message_from_bytes(b"Content-Type: " + seen.headers["Content-Type"].encode() + b"\r\n\r\n" + seen.body)
    assert form.get_content_type() == "multipart/form-data"
    parts = {str(one.get_param("name", header="content-disposition")): one.get_payload() for one in form.get_payload()}  # type: ignore[union-attr]
    good = (parts["aspect_ratio"], parts["output_format"]) == ("16:9", "jpeg")
    return str(parts["prompt"]) if good else None


_CHECKS: dict[str, Callable[[Seen], str | None]] = {"tavily": _tavily, "serp": _serp, "stability": _stability}
