"""Rendering by ComfyUI: its HTTP API says what became of a graph, its WebSocket when to look and how far it is.

The facts are those of its routes and messages (ComfyUI documentation, "Server routes" and "Messages"; server.py
and execution.py of its repository). A graph is queued under the id of its video, which newer servers take over from the
request: an attempt that takes the job up again finds what is rendered already, or still, and nothing is rendered twice.
Older servers give an id of their own, so only the process that got it can find the graph again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import httpx
import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from app.video.failure import VideoFailed
from app.video_gateway.comfy_answers import HISTORY, Accepted, Entry, Message, Queued
from app.video_gateway.renderer import Order, Report
from app.video_gateway.workflow import Graph, filled_in

SECONDS: Final = 10.0
"""Time limit of one question; ComfyUI answers while it renders."""
LOOK_SECONDS: Final = 5.0
"""Without a message for so long the history is looked at: a message may have been lost."""
AGAIN_SECONDS: Final = 0.5
AWAY_SECONDS: Final = 30.0
"""A server that answers nothing for so long is left; its graph is found again by the next attempt."""
ANSWER_BYTES: Final = 8 * 1024 * 1024
VIDEO_BYTES: Final = 64 * 1024 * 1024
MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""Messages may be previews, which have no use here."""
MP4_MARK: Final = b"ftyp"
GONE: Final = (httpx.HTTPError, OSError, WebSocketException, TimeoutError, ValueError)
"""Errors of a server that is not there, or answers something else."""
_LOG = structlog.get_logger("app.comfyui")


class TooLarge(Exception):
    """An answer has more bytes than are read."""


class Place(Enum):
    """Place of a graph that has not ended."""

    QUEUED = auto()
    NOWHERE = auto()


@dataclass(frozen=True)
class Run:
    """A graph that was queued; ``client`` is the name under which its messages are sent."""

    id: str
    client: str


class ComfyRenderer:
    """Implements app.video_gateway.renderer.Renderer by one ComfyUI server."""

    def __init__(self, url: str, graph: Graph, *, away: float = AWAY_SECONDS) -> None:
        self._url = url.rstrip("/")
        self._graph = graph
        self._away = away
        self._http = httpx.AsyncClient(base_url=self._url, timeout=SECONDS)
        self._ending: dict[str, asyncio.Task[None]] = {}

    async def render(self, order: Order, report: Report) -> bytes:
        """The video. Raises VideoFailed."""
        run = Run(str(order.id.uuid), str(order.id.uuid))
        try:
            run, entry = await self._begun(run, order)
            while entry is None:
                entry = await self._awaited(run, report)
            return await self._video(run, entry)
        except GONE as error:
            raise VideoFailed("renderer_unreachable", f"{type(error).__name__}: {str(error)[:200]}") from error
        except asyncio.CancelledError:
            self._end(run)
            raise

    async def close(self) -> None:
        """Give the connections back, after what was cancelled has left the server's queue."""
        await asyncio.gather(*self._ending.values())
        await self._http.aclose()

    async def _begun(self, run: Run, order: Order) -> tuple[Run, Entry | None]:
        """The graph in the server's queue, unless it is there or done already. One that an attempt before has left is
        out of it first.
        """
        if run.id in self._ending:
            await asyncio.shield(self._ending[run.id])
        found = await self._found(run)
        if isinstance(found, Entry) and found.good:
            return run, found
        if isinstance(found, Entry):
            await self._forget(run)
        elif found is Place.QUEUED:
            return run, None
        body = {"prompt": filled_in(self._graph, order), "prompt_id": run.id, "client_id": run.client}
        status, answer = await self._ask("POST", "/prompt", body)
        if status == httpx.codes.BAD_REQUEST:
            raise VideoFailed("renderer_refused", answer.decode(errors="replace")[:1000])
        return Run(Accepted.model_validate_json(answer).prompt_id, run.client), None

    async def _awaited(self, run: Run, report: Report) -> Entry | None:
        """The history's entry once the graph has ended; None when it is time to look again. A server that is away is
        waited for.
        """
        since: float | None = None
        while True:
            try:
                async with self._listening(run) as socket:
                    found = await self._found(run)
                    since = None
                    if found is Place.NOWHERE:
                        raise VideoFailed("renderer_lost", "neither in the queue nor in the history")
                    if isinstance(found, Entry):
                        return found
                    await self._end_seen(socket, run, report)
                return await self._written(run)
            except GONE as error:
                since = since or time.monotonic()
                if time.monotonic() - since > self._away:
                    raise
                _LOG.warning("ComfyUI is away", error_type=type(error).__name__, error=str(error)[:200])
                await asyncio.sleep(AGAIN_SECONDS)

    @asynccontextmanager
    async def _listening(self, run: Run) -> AsyncIterator[ClientConnection]:
        address = f"ws{self._url.removeprefix('http')}/ws?clientId={run.client}"
        async with connect(address, max_size=MESSAGE_BYTES, open_timeout=SECONDS, close_timeout=1) as socket:
            yield socket

    async def _end_seen(self, socket: ClientConnection, run: Run, report: Report) -> None:
        """Report progress until a message says that the graph has ended, or none comes for a while."""
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    body = await socket.recv()
            except TimeoutError:
                return
            if isinstance(body, bytes):
                continue
            message = Message.model_validate_json(body)
            percent = message.percent(run.id)
            if percent is not None:
                report(percent)
            if message.ends(run.id):
                return

    async def _written(self, run: Run) -> Entry | None:
        """The history's entry, which is written a moment after the last message; None while the graph is queued."""
        found = await self._found(run)
        if isinstance(found, Entry):
            return found
        await asyncio.sleep(AGAIN_SECONDS)
        return None

    async def _found(self, run: Run) -> Entry | Place:
        """The history's entry of a graph, or its place. The queue is asked first: what leaves it is in the history by
        then.
        """
        queue = await self._queue()
        _, answer = await self._ask("GET", f"/history/{run.id}")
        entry = HISTORY.validate_json(answer).get(run.id)
        if entry is not None:
            return entry
        return Place.QUEUED if queue.has(run.id) else Place.NOWHERE

    async def _queue(self) -> Queued:
        _, answer = await self._ask("GET", "/queue")
        return Queued.model_validate_json(answer)

    async def _video(self, run: Run, entry: Entry) -> bytes:
        """The video that a graph brought. A graph that brought none is forgotten, so that the next attempt queues it
        anew.
        """
        if not entry.good:
            await self._forget(run)
            raise entry.failure()
        file = entry.video()
        if file is None:
            await self._forget(run)
            raise VideoFailed("video_missing", "no output of the graph is an MP4")
        try:
            status, body = await self._body("GET", "/view", most=VIDEO_BYTES, params=file.model_dump())
        except TooLarge as error:
            raise VideoFailed("video_too_large", str(error)) from error
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise httpx.RemoteProtocolError(f"GET /view: status {status}")
        if status != httpx.codes.OK or body[4:8] != MP4_MARK:
            await self._forget(run)
            raise VideoFailed("video_missing", f"{file.filename}: status {status}, {len(body)} bytes, no MP4")
        return body

    async def _forget(self, run: Run) -> None:
        await self._ask("POST", "/history", {"delete": [run.id]})

    def _end(self, run: Run) -> None:
        """Take a graph out of the server's queue, beside what is cancelled now."""
        task = self._ending[run.id] = asyncio.create_task(self._ended(run))
        task.add_done_callback(lambda _: self._ending.pop(run.id))

    async def _ended(self, run: Run) -> None:
        try:
            await self._ask("POST", "/queue", {"delete": [run.id]})
            # Older servers interrupt the graph that runs, whichever it is.
            if (await self._queue()).has(run.id, running=True):
                await self._ask("POST", "/interrupt", {"prompt_id": run.id})
            async with asyncio.timeout(SECONDS):
                while (await self._queue()).has(run.id):  # noqa: ASYNC110  the server sends no word of it
                    await asyncio.sleep(AGAIN_SECONDS)
            await self._forget(run)
        except GONE as error:
            _LOG.warning("a cancelled graph stays with ComfyUI", prompt_id=run.id, error_type=type(error).__name__)

    async def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> tuple[int, bytes]:
        """Status and body of an answer, which is 200 or 400. Raises GONE."""
        try:
            status, answer = await self._body(method, path, most=ANSWER_BYTES, body=body)
        except TooLarge as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        if status not in (httpx.codes.OK, httpx.codes.BAD_REQUEST):
            raise httpx.RemoteProtocolError(f"{method} {path}: status {status}")
        return status, answer

    async def _body(
        self,
        method: str,
        path: str,
        *,
        most: int,
        body: Mapping[str, object] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Status and body, which is not read beyond its limit."""
        read = bytearray()
        async with self._http.stream(method, path, json=body, params=params) as reply:
            async for chunk in reply.aiter_bytes():
                read += chunk
                if len(read) > most:
                    raise TooLarge(f"{method} {path}: more than {most} bytes")
        return reply.status_code, bytes(read)
