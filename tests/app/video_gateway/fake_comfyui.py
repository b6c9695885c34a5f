"""ComfyUI's place taken by a small server that speaks its protocol, and does what a test wants it to do wrong."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.video.encoder import encode
from app.video.lettering import HEIGHT, WIDTH
from localcloud.servers import free_port

FILE = {"filename": "video_00001_.mp4", "subfolder": "gateway", "type": "output"}
STEPS = 4


@dataclass
class Comfy:
    """The server: what it was asked, and how it is to behave."""

    port: int = field(default_factory=free_port)
    video: bytes = field(default_factory=lambda: asyncio.run(encode([bytes(WIDTH * HEIGHT * 3)] * 4, 2)))
    outcome: str = "success"
    refuses: bool = False
    own_ids: bool = False
    silent: bool = False
    holding: bool = False
    history_delay: float = 0.0
    step_seconds: float = 0.05
    broken: int | None = None
    posted: list[dict[str, Any]] = field(default_factory=list)
    rendered: list[str] = field(default_factory=list)
    interrupted: list[str | None] = field(default_factory=list)
    stopping: bool = False
    running: list[list[Any]] = field(default_factory=list)
    pending: list[list[Any]] = field(default_factory=list)
    history: dict[str, Any] = field(default_factory=dict)
    sockets: dict[str, WebSocket] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def serving(self) -> Iterator[Comfy]:
        """The server for the block; what it had queued and rendered is still there when it serves again."""
        server = uvicorn.Server(
            uvicorn.Config(self._app(), "127.0.0.1", self.port, log_config=None, timeout_graceful_shutdown=0)
        )
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.01)
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join()

    def forget_everything(self) -> None:
        """As after a crash: its queue and history are in its memory."""
        for kept in (self.running, self.pending, self.history):
            kept.clear()

    def _app(self) -> Starlette:
        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            executing = asyncio.create_task(self._execute())
            yield
            executing.cancel()

        return Starlette(
            routes=[
                WebSocketRoute("/ws", self._socket),
                Route("/prompt", self._prompt, methods=["POST"]),
                Route("/queue", self._queue, methods=["GET", "POST"]),
                Route("/interrupt", self._interrupt, methods=["POST"]),
                Route("/history", self._delete_history, methods=["POST"]),
                Route("/history/{run}", self._history),
                Route("/view", self._view),
            ],
            lifespan=lifespan,
        )

    async def _socket(self, socket: WebSocket) -> None:
        await socket.accept()
        client = socket.query_params.get("clientId") or uuid4().hex
        self.sockets[client] = socket
        await socket.send_json({"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}}})
        await socket.send_bytes(b"\x00\x00\x00\x01preview")
        try:
            while True:
                await socket.receive_text()
        except (WebSocketDisconnect, RuntimeError):
            self.sockets.pop(client, None)

    async def _send(self, client: str, kind: str, **data: object) -> None:
        socket = self.sockets.get(client)
        if socket is not None and not self.silent:
            try:
                await socket.send_json({"type": kind, "data": data})
            except (WebSocketDisconnect, RuntimeError):
                # Whoever left hears nothing more, and the graph goes on, as ComfyUI has it.
                self.sockets.pop(client, None)

    async def _prompt(self, request: Request) -> Response:
        body = await request.json()
        if self.broken:
            return Response(status_code=self.broken)
        self.posted.append(body)
        if self.refuses:
            error = {"type": "prompt_outputs_failed_validation", "message": "no such model"}
            return JSONResponse({"error": error, "node_errors": {"1": {"errors": [error]}}}, 400)
        run = uuid4().hex if self.own_ids else str(body.get("prompt_id", uuid4()))
        self.pending.append([len(self.posted), run, body["prompt"], {"client_id": body["client_id"]}, ["11"]])
        return JSONResponse({"prompt_id": run, "number": len(self.posted), "node_errors": {}})

    async def _queue(self, request: Request) -> Response:
        if request.method == "POST":
            gone = (await request.json())["delete"]
            self.pending[:] = [item for item in self.pending if item[1] not in gone]
            return Response()
        return JSONResponse({"queue_running": self.running, "queue_pending": self.pending})

    async def _interrupt(self, request: Request) -> Response:
        body = await request.body()
        self.interrupted.append((await request.json()).get("prompt_id") if body else None)
        self.stopping = bool(self.running)
        return Response()

    async def _history(self, request: Request) -> Response:
        run = request.path_params["run"]
        return JSONResponse({run: self.history[run]} if run in self.history else {})

    async def _delete_history(self, request: Request) -> Response:
        for run in (await request.json())["delete"]:
            self.history.pop(run, None)
        return Response()

    async def _view(self, request: Request) -> Response:
        assert dict(request.query_params) == FILE
        bodies = {"huge": b"\0" * (64 * 1024 * 1024 + 1), "picture": b"\x89PNG....", "success": self.video}
        return Response(bodies[self.outcome], media_type="video/mp4")

    async def _execute(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            if not self.running and self.pending:
                self.running.append(self.pending.pop(0))
            if self.running:
                await self._run(self.running[0])

    async def _run(self, item: list[Any]) -> None:
        _, run, _, extra, _ = item
        client = extra["client_id"]
        await self._send(client, "execution_start", prompt_id=run)
        for step in range(1, STEPS + 1):
            await self._send(client, "progress", prompt_id=run, node="8", value=step, max=STEPS)
            await self._send(client, "progress", prompt_id="of another client", node="8", value=99, max=100)
            await asyncio.sleep(self.step_seconds)
            while self.holding and not self.stopping:
                await asyncio.sleep(0.02)
                # A step has many of these; whoever listens from now on gets the next.
                await self._send(client, "progress", prompt_id=run, node="8", value=step, max=STEPS)
        outcome, self.stopping = "interrupted" if self.stopping else self.outcome, False
        self.rendered.append(run)
        if outcome in ("error", "interrupted"):
            data = {"prompt_id": run, "node_type": "KSampler", "exception_message": "out of memory"}
            await self._send(client, f"execution_{outcome}", **data)
            status = {"status_str": "error", "completed": False, "messages": [[f"execution_{outcome}", data]]}
            self.history[run] = {"prompt": item, "outputs": {}, "status": status}
        else:
            await self._send(client, "execution_success", prompt_id=run)
            await asyncio.sleep(self.history_delay)
            found = {"images": [FILE], "animated": [True]} if outcome != "nothing" else {"text": ["done"]}
            status = {"status_str": "success", "completed": True, "messages": []}
            self.history[run] = {"prompt": item, "outputs": {"11": found}, "status": status}
        if item in self.running:
            self.running.remove(item)
        await self._send(client, "executing", prompt_id=run, node=None)
