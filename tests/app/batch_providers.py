"""The three providers' batches as their documents describe them, on a local server, with ways to misbehave."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from listening import Answer, Seen, listening

from app.settings import Settings

NAMES = ("openai", "anthropic", "gemini")
TEXT = json.dumps(
    {
        "title": "Quiet offices",
        "introduction": "On focus.",
        "sections": [{"title": "One", "body": "First."}, {"title": "Two", "body": "Second."}],
        "conclusion": "Done.",
    }
)
Body = dict[str, object]
Items = dict[str, Body]
DIRECT = ("/v1/chat/completions", "/v1/messages")


@dataclass
class Providers:
    """Batches that were handed in, and their state: `pending`, `done`, or one of the ways in which they fail.

    `taken` is set with a new batch, whose answer waits for `hold`.
    """

    state: str = "pending"
    refuses: bool = False
    batches: dict[str, Items] = field(default_factory=dict)
    files: dict[str, Items] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    down: bool = False
    taken: threading.Event = field(default_factory=threading.Event)
    hold: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def direct(self) -> int:
        """Number of calls for one text alone."""
        return sum(one.path in DIRECT or one.path.endswith(":generateContent") for one in self.seen)

    @property
    def items(self) -> list[int]:
        """Number of texts in each batch."""
        return [len(items) for items in self.batches.values()]

    def answer(self, seen: Seen) -> Answer:
        with self._lock:
            known = len(self.batches)
            reply = self._answer(seen)
        if len(self.batches) > known:
            self.taken.set()
            self.hold.wait(60)
        return reply

    def _answer(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        for pattern, serve in () if self.down else ROUTES:
            match = re.fullmatch(pattern, f"{seen.method} {seen.path}")
            if match:
                return serve(self, seen, *match.groups())
        return (503 if self.down else 404), b"{}"

    def take(self, items: Items, **reply: str) -> Answer:
        if self.refuses:
            return 400, b'{"error": "no batches for the canary key"}'
        name = f"batch_{len(self.batches)}"
        self.batches[name] = items
        return given({key: value.format(name) for key, value in reply.items()})

    def outcomes(self, batch: str) -> Iterator[tuple[str, str]]:
        """Each item and how it ended; of a batch that partly failed every second one did."""
        for place, item in enumerate(self.batches[batch]):
            yield (
                item,
                "nonsense"
                if self.state == "nonsense texts"
                else ("failed" if self.state == "items failed" and place % 2 == 0 else "done"),
            )


def given(reply: object) -> Answer:
    return 200, json.dumps(reply).encode()


def lines(entries: list[Body]) -> Answer:
    return 200, "\n".join(json.dumps(entry) for entry in entries).encode()


def completion(outcome: str = "done") -> Body:
    text = TEXT if outcome == "done" else "I would rather not."
    usage = {"prompt_tokens": 100, "completion_tokens": 1000}
    return {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": usage}


def message(outcome: str = "done") -> Body:
    text = TEXT if outcome == "done" else "I would rather not."
    usage = {"input_tokens": 100, "output_tokens": 1000}
    return {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "usage": usage}


def candidates(outcome: str = "done") -> Body:
    text = TEXT if outcome == "done" else "I would rather not."
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 1000}
    return {"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}], "usageMetadata": usage}


def openai_upload(own: Providers, seen: Seen) -> Answer:
    """A form: the purpose, and a file with a request a line."""
    assert b'name="purpose"\r\n\r\nbatch\r\n' in seen.body
    requests = [json.loads(line) for line in seen.body.splitlines() if line.startswith(b'{"custom_id"')]
    assert all((one["method"], one["url"]) == ("POST", "/v1/chat/completions") for one in requests)
    name = f"file-{len(own.files)}"
    own.files[name] = {one["custom_id"]: one["body"] for one in requests}
    return given({"id": name, "object": "file"})


def openai_create(own: Providers, seen: Seen) -> Answer:
    body = json.loads(seen.body)
    assert (body["endpoint"], body["completion_window"]) == ("/v1/chat/completions", "24h")
    return own.take(own.files[body["input_file_id"]], id="{}", status="validating")


def openai_look(own: Providers, seen: Seen, batch: str) -> Answer:
    if own.state == "nonsense" or batch not in own.batches or own.state == "unknown":
        return (404, b"{}") if own.state != "nonsense" else given({"status": "well"})
    status = {"pending": "in_progress", "failed": "failed", "expired": "expired", "cancelled": "cancelled"}
    found = status.get(own.state, "completed")
    return given({"id": batch, "status": found, "output_file_id": f"{batch}-out" if found == "completed" else None})


def openai_content(own: Providers, seen: Seen, batch: str) -> Answer:
    return lines(
        [
            {"custom_id": item, "response": {"status_code": 500, "body": {}}}
            if outcome == "failed"
            else {"custom_id": item, "response": {"status_code": 200, "body": completion(outcome)}, "error": None}
            for item, outcome in own.outcomes(batch)
        ]
    )


def anthropic_create(own: Providers, seen: Seen) -> Answer:
    items = {one["custom_id"]: one["params"] for one in json.loads(seen.body)["requests"]}
    return own.take(items, id="{}", processing_status="in_progress")


def anthropic_look(own: Providers, seen: Seen, batch: str) -> Answer:
    if batch not in own.batches or own.state == "unknown":
        return 404, b"{}"
    status = {"pending": "in_progress", "nonsense": "well"}.get(own.state, "ended")
    return given({"id": batch, "processing_status": status, "results_url": "http://169.254.169.254/never-followed"})


def anthropic_results(own: Providers, seen: Seen, batch: str) -> Answer:
    ended = {"failed": "errored", "expired": "expired", "cancelled": "canceled"}.get(own.state)
    return lines(
        [
            {"custom_id": item, "result": {"type": ended or "errored"}}
            if ended or outcome == "failed"
            else {"custom_id": item, "result": {"type": "succeeded", "message": message(outcome)}}
            for item, outcome in own.outcomes(batch)
        ]
    )


def gemini_create(own: Providers, seen: Seen, model: str) -> Answer:
    requests = json.loads(seen.body)["batch"]["inputConfig"]["requests"]["requests"]
    return own.take({one["metadata"]["key"]: one["request"] for one in requests}, name="batches/{}")


def gemini_look(own: Providers, seen: Seen, batch: str) -> Answer:
    if batch not in own.batches or own.state == "unknown":
        return 404, b"{}"
    states = {"pending": "RUNNING", "failed": "FAILED", "expired": "EXPIRED", "cancelled": "CANCELLED"}
    state = states.get(own.state, "SUCCEEDED")
    reply: Body = {"name": f"batches/{batch}", "metadata": {"state": f"BATCH_STATE_{state}"}}
    if own.state == "nonsense":
        return given({"metadata": "well"})
    if state == "SUCCEEDED":
        answers = [
            {"metadata": {"key": item}, "error": {"code": 13}}
            if outcome == "failed"
            else {"metadata": {"key": item}, "response": candidates(outcome)}
            for item, outcome in own.outcomes(batch)
        ]
        output = {"inlinedResponses": {"inlinedResponses": answers}}
        reply |= {"done": True, "metadata": {"state": f"BATCH_STATE_{state}", "output": output}, "response": output}
    return given(reply)


ROUTES: tuple[tuple[str, Callable[..., Answer]], ...] = (
    ("POST /v1/files", openai_upload),
    ("POST /v1/batches", openai_create),
    (r"GET /v1/batches/(\w+)", openai_look),
    (r"GET /v1/files/(\w+)-out/content", openai_content),
    ("POST /v1/messages/batches", anthropic_create),
    (r"GET /v1/messages/batches/(\w+)", anthropic_look),
    (r"GET /v1/messages/batches/(\w+)/results", anthropic_results),
    (r"POST /v1beta/models/([\w.-]+):batchGenerateContent", gemini_create),
    (r"GET /v1beta/batches/(\w+)", gemini_look),
    ("POST /v1/chat/completions", lambda own, seen: given(completion())),
    ("POST /v1/messages", lambda own, seen: given(message())),
    (r"POST /v1beta/models/([\w.-]+):generateContent", lambda own, seen, model: given(candidates())),
)


@contextmanager
def batch_providers() -> Iterator[Providers]:
    """All three at one address, until the end of the block."""
    providers = Providers()
    providers.hold.set()
    with listening(providers.answer) as url:
        providers.url = url
        yield providers
        providers.hold.set()


def variables(providers: Providers, *names: str, **changed: object) -> dict[str, object]:
    """Settings that order from them, quickly."""
    keys = {f"{name}_api_key": f"canary-key-{name}" for name in NAMES}
    urls = {f"{name}_base_url": providers.url for name in NAMES}
    quick = {"llm_batch_enabled": True, "llm_batch_window_seconds": 0.1, "llm_batch_look_seconds": 0.02}
    return {**keys, **urls, **quick, "llm_providers": names, "llm_retries": 0, **changed}


MakeSettings = Callable[..., Settings]
