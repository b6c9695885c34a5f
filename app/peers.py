"""Calling im (A14): among several addresses only healthy ones are used, at random; all of them when none is healthy."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import httpx
import structlog
from pydantic import ValidationError

from app.domain import Assignment, Draft, Ticket, Waiting
from app.writers.base import WriterError

CHECK_SECONDS = 30.0
PROBE_SECONDS = 5.0
# While no instance is healthy they are asked this often.
DOWN_SECONDS = 1.0
CONNECT_SECONDS = 3.0
# im answers at the deadline that it was told; its answer may take this much longer.
SPARE_SECONDS = 5.0
# Cache-Control of a request whose text must not be one that was written before.
NO_CACHE = "no-cache"
# Prefer of a request that may be answered later (RFC 7240), and of nobody else's.
RESPOND_LATER = "respond-async"
# What im is told of a job, for its ledger; seconds until nobody waits any more; the kind of a failure (app.failures).
JOB, ATTEMPT, CLIENT = "X-Job-ID", "X-Job-Attempt", "X-Client-ID"
DEADLINE, ERROR_TYPE = "X-Deadline-Seconds", "X-Error-Type"
_LOG = structlog.get_logger("app.peers")


@dataclass
class Peer:
    """One address and what the last check said."""

    url: str
    healthy: bool = True


class Peers:
    """The instances of one service. One of the events is set: whether any instance is known to be healthy."""

    def __init__(self, urls: Sequence[str], client: httpx.AsyncClient) -> None:
        self.peers = [Peer(url.rstrip("/")) for url in urls]
        self.up, self.down = asyncio.Event(), asyncio.Event()
        self.up.set()
        self._client = client

    def candidates(self) -> list[Peer]:
        """In the order to try: the healthy ones shuffled, or all of them shuffled when none is healthy."""
        healthy = [peer for peer in self.peers if peer.healthy] or list(self.peers)
        return random.sample(healthy, len(healthy))

    def found(self, peer: Peer, *, healthy: bool) -> None:
        """Note what was seen of an instance."""
        if peer.healthy != healthy:
            _LOG.warning("peer changed", peer=peer.url, healthy=healthy)
        peer.healthy = healthy
        now, then = (self.up, self.down) if any(one.healthy for one in self.peers) else (self.down, self.up)
        now.set()
        then.clear()

    async def check(self) -> None:
        """Ask every peer for its health once."""
        await asyncio.gather(*(self._probe(peer) for peer in self.peers))

    async def watch(self) -> None:
        """Check every 30 s until cancelled, every second while all are down."""
        while True:
            await self.check()
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_SECONDS):
                    await self.down.wait()
                await asyncio.sleep(DOWN_SECONDS)

    async def _probe(self, peer: Peer) -> None:
        try:
            reply = await self._client.get(f"{peer.url}/health", timeout=PROBE_SECONDS)
            self.found(peer, healthy=reply.status_code == 200)
        except httpx.HTTPError:
            self.found(peer, healthy=False)


class ImClient:
    """The worker's view of im."""

    def __init__(self, peers: Peers, client: httpx.AsyncClient, deadline_seconds: float) -> None:
        self._peers = peers
        self._client = client
        self._deadline = deadline_seconds

    async def write(self, assignment: Assignment, headers: dict[str, str]) -> Draft | Waiting:
        """One text, or where to wait for it. Tries the next peer when one cannot be reached. Raises WriterError."""
        return _outcome(await self._post("/v1/write", assignment.model_dump_json(), headers))

    async def collect(self, assignment: Assignment, ticket: Ticket, headers: dict[str, str]) -> Draft | Waiting | None:
        """The text of a ticket; None when it will never come. Raises WriterError when it is not known now."""
        body = f'{{"assignment":{assignment.model_dump_json()},"ticket":{ticket.model_dump_json()}}}'
        reply = await self._post("/v1/collect", body, headers)
        return None if reply.status_code == 410 else _outcome(reply)

    async def _post(self, path: str, body: str, headers: dict[str, str]) -> httpx.Response:
        told = {**headers, "Content-Type": "application/json", DEADLINE: str(self._deadline)}
        timeout = httpx.Timeout(self._deadline + SPARE_SECONDS, connect=CONNECT_SECONDS)
        failure = WriterError("im_unreachable", "no instance of im is known")
        for peer in self._peers.candidates():
            try:
                async with asyncio.timeout(self._deadline + SPARE_SECONDS):
                    return await self._client.post(f"{peer.url}{path}", content=body, headers=told, timeout=timeout)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                self._peers.found(peer, healthy=False)
                failure = WriterError("im_unreachable", f"{peer.url} could not be reached: {error}")
            except (httpx.HTTPError, TimeoutError) as error:
                raise WriterError("im_timeout", f"{peer.url} did not answer: {type(error).__name__}") from error
        raise failure


def _outcome(reply: httpx.Response) -> Draft | Waiting:
    status = reply.status_code
    if status not in (200, 202):
        unnamed = "im_refused" if status == 422 else "request_refused" if status == 502 else "im_unavailable"
        after = reply.headers.get("retry-after", "")
        raise WriterError(
            reply.headers.get(ERROR_TYPE, unnamed),
            f"im answered {status}: {reply.text[:500]}",
            retry_after=float(after) if after.isdecimal() else None,
            status=status,
            final=status == 502,
        )
    try:
        return (Draft if status == 200 else Waiting).as_stored_json(reply.content)
    except ValidationError as error:
        raise WriterError("invalid_content", f"im's answer does not fit: {error.error_count()} errors") from error
