"""Calling im (A14): among several addresses only healthy ones are used, at random; all of them when none is healthy."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import structlog
from pydantic import ValidationError

from app.domain import Assignment, Draft, Ticket, Waiting
from app.writers.base import WriterError

CHECK_SECONDS = 30.0
PROBE_SECONDS = 5.0
# Cache-Control of a request whose text must not be one that was written before.
NO_CACHE = "no-cache"
# Prefer of a request that may be answered later (RFC 7240), and of nobody else's.
RESPOND_LATER = "respond-async"
_LOG = structlog.get_logger("app.peers")


@dataclass
class Peer:
    """One address and what the last check said."""

    url: str
    healthy: bool = True


class Peers:
    """The instances of one service."""

    def __init__(self, urls: Sequence[str], client: httpx.AsyncClient) -> None:
        self.peers = [Peer(url.rstrip("/")) for url in urls]
        self._client = client

    def candidates(self) -> list[Peer]:
        """In the order to try: the healthy ones shuffled, or all of them shuffled when none is healthy."""
        healthy = [peer for peer in self.peers if peer.healthy] or list(self.peers)
        return random.sample(healthy, len(healthy))

    async def check(self) -> None:
        """Ask every peer for its health once."""
        await asyncio.gather(*(self._probe(peer) for peer in self.peers))

    async def watch(self) -> None:
        """Check every 30 s until cancelled."""
        while True:
            await self.check()
            await asyncio.sleep(CHECK_SECONDS)

    async def _probe(self, peer: Peer) -> None:
        before = peer.healthy
        try:
            reply = await self._client.get(f"{peer.url}/health", timeout=PROBE_SECONDS)
            peer.healthy = reply.status_code == 200
        except httpx.HTTPError:
            peer.healthy = False
        if peer.healthy != before:
            _LOG.warning("peer changed", peer=peer.url, healthy=peer.healthy)


class ImClient:
    """The worker's view of im."""

    def __init__(self, peers: Peers, client: httpx.AsyncClient) -> None:
        self._peers = peers
        self._client = client

    async def write(self, assignment: Assignment, headers: dict[str, str]) -> Draft | Waiting:
        """One text, or where to wait for it. Tries the next peer when one cannot be reached. Raises WriterError."""
        return _outcome(await self._post("/v1/write", assignment.model_dump_json(), headers))

    async def collect(self, assignment: Assignment, ticket: Ticket, headers: dict[str, str]) -> Draft | Waiting | None:
        """The text of a ticket; None when it will never come. Raises WriterError when nobody can say now."""
        body = f'{{"assignment":{assignment.model_dump_json()},"ticket":{ticket.model_dump_json()}}}'
        reply = await self._post("/v1/collect", body, headers)
        return None if reply.status_code == 410 else _outcome(reply)

    async def _post(self, path: str, body: str, headers: dict[str, str]) -> httpx.Response:
        failure = WriterError("im_unreachable", "no instance of im could be reached")
        for peer in self._peers.candidates():
            try:
                return await self._client.post(
                    f"{peer.url}{path}", content=body, headers={**headers, "Content-Type": "application/json"}
                )
            except httpx.ConnectError as error:
                peer.healthy = False
                failure = WriterError("im_unreachable", f"{peer.url} could not be reached: {error}")
            except httpx.HTTPError as error:
                raise WriterError("im_timeout", f"{peer.url} did not answer: {type(error).__name__}") from error
        raise failure


def _outcome(reply: httpx.Response) -> Draft | Waiting:
    if reply.status_code not in (200, 202):
        retriable = reply.status_code in (408, 429) or (reply.status_code >= 500 and reply.status_code != 502)
        raise WriterError(f"im_{reply.status_code}", reply.text[:500], retriable=retriable)
    try:
        return (Draft if reply.status_code == 200 else Waiting).model_validate_json(reply.content)
    except ValidationError as error:
        raise WriterError("invalid_content", f"im's answer does not fit: {error.error_count()} errors") from error
