"""Answers of the three providers as they send them, and a local server that gives them."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from listening import Answer, Seen, listening

from app.domain import Assignment
from app.lifecycle import Lifecycle
from app.services import Services, build
from app.settings import Settings
from app.writers.base import CallContext, Deadline
from app.writers.desk import Desk, desk

NAMES = ("openai", "anthropic", "gemini")
MakeSettings = Callable[..., Settings]
ASSIGNMENT = Assignment(topic="Quiet offices", content_type="blog", keywords=("focus",), priority="balanced")  # type: ignore[arg-type]
MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-haiku-4-5", "gemini": "gemini-2.5-flash"}
TEXT = json.dumps(
    {
        "title": "Quiet offices",
        "introduction": "On focus.",
        "sections": [{"title": "One", "body": "First."}, {"title": "Two", "body": "Second."}],
        "conclusion": "Done.",
    }
)
FINISH = {
    "openai": {"good": "stop", "truncated": "length", "refused": "content_filter"},
    "anthropic": {"good": "end_turn", "truncated": "max_tokens", "refused": "refusal"},
    "gemini": {"good": "STOP", "truncated": "MAX_TOKENS", "refused": "SAFETY"},
}
# What each answer below has charged: 1000 tokens in, 100 of them cached, and 500 out, 200 of them thoughts.
TOKENS_IN, TOKENS_OUT, THOUGHTS, CACHED = 1000, 500, 200, 100


def openai(text: str, finish: str) -> object:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-5-mini",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}],
        "usage": {
            "prompt_tokens": 1000,
            "completion_tokens": 500,
            "total_tokens": 1500,
            "prompt_tokens_details": {"cached_tokens": 100},
            "completion_tokens_details": {"reasoning_tokens": 200},
        },
    }


def anthropic(text: str, finish: str) -> object:
    """Its cached tokens are not part of input_tokens."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [{"type": "thinking", "thinking": "Hm.", "signature": "x"}, {"type": "text", "text": text}],
        "stop_reason": finish,
        "usage": {
            "input_tokens": 900,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 0,
            "output_tokens": 500,
            "output_tokens_details": {"thinking_tokens": 200},
        },
    }


def gemini(text: str, finish: str) -> object:
    """Its thoughts are not part of candidatesTokenCount."""
    parts = [{"text": "Hm.", "thought": True}, {"text": text}]
    return {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": finish, "index": 0}],
        "usageMetadata": {
            "promptTokenCount": 1000,
            "candidatesTokenCount": 300,
            "thoughtsTokenCount": 200,
            "cachedContentTokenCount": 100,
            "totalTokenCount": 1500,
        },
    }


BODIES = {"openai": openai, "anthropic": anthropic, "gemini": gemini}


def good(name: str, text: str = TEXT, outcome: str = "good") -> Answer:
    """An answer that is charged, whatever its text is worth."""
    return 200, json.dumps(BODIES[name](text, FINISH[name][outcome])).encode(), {"Content-Type": "application/json"}


@dataclass
class Provider:
    """Answers from a list, the last one for ever; answers wait for `hold`."""

    name: str
    answers: list[Answer] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    charged: int = 0

    def answer(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.hold.wait(30)
        self.charged += answer[0] == 200
        return answer


@contextmanager
def provider(name: str, *answers: Answer) -> Iterator[Provider]:
    """One provider on a local server; without answers it is good."""
    made = Provider(name, list(answers) or [good(name)])
    made.hold.set()
    with listening(made.answer) as made.url:
        yield made
        made.hold.set()


def using(make_settings: MakeSettings, one: Provider, *more: str, **values: object) -> Settings:
    """Settings that name it, and then others."""
    own = {f"{one.name}_api_key": f"canary-key-{one.name}", f"{one.name}_base_url": one.url}
    return make_settings(**{**own, "llm_providers": (one.name, *more), "llm_cache_seconds": 0, **values})


def context(seconds: float = 100, **values: object) -> CallContext:
    return CallContext(deadline=Deadline.after(seconds), **values)  # type: ignore[arg-type]


@asynccontextmanager
async def at_desk(settings: Settings) -> "Iterator[tuple[Desk, Services]]":
    """A desk over real stores."""
    services = build(settings, Lifecycle())
    try:
        async with desk(services) as made:
            yield made, services
    finally:
        await services.close()
