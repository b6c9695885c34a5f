"""OpenAI's and S3's place taken by small servers that a test lets hang, answer or refuse."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.serving import served

RECIPE = {
    "title": "Rice with tomatoes",
    "ingredients": [{"name": "rice", "amount": "150 g"}],
    "steps": ["Boil the rice.", "Serve it."],
    "minutes": 20,
}


@dataclass
class Model:
    """A language model: its answer, the requests it got, and whether it says nothing until it is let go."""

    url: str = ""
    answer: str = field(default_factory=lambda: json.dumps(RECIPE))
    asked: list[dict[str, Any]] = field(default_factory=list)
    hangs: bool = False
    let_go: threading.Event = field(default_factory=threading.Event)

    @property
    def variables(self) -> dict[str, str]:
        """Variables of a worker that writes by it."""
        return {"LLM_PROVIDERS": "openai", "OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": self.url}


@contextmanager
def openai_server() -> Iterator[Model]:
    """POST /v1/chat/completions."""
    model = Model()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            model.asked.append(json.loads(body))
            if model.hangs:
                model.let_go.wait(30)
                return
            usage = {"prompt_tokens": 100, "completion_tokens": 200, "total_tokens": 300}
            message = {"role": "assistant", "content": model.answer}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            reply = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
            payload = json.dumps({**reply, "usage": usage}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    model.url = f"http://127.0.0.1:{server.server_port}"
    with served(server):
        try:
            yield model
        finally:
            model.let_go.set()


@contextmanager
def silent_server() -> Iterator[tuple[str, threading.Event]]:
    """An address that takes connections and says nothing, and an event that is set by the first."""
    came = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def take() -> None:
            try:
                while True:
                    kept.append(server.accept()[0])
                    came.set()
            except OSError:
                return

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", came
        finally:
            server.shutdown(socket.SHUT_RDWR)
            server.close()
            for one in kept:
                one.close()
            thread.join(5)
