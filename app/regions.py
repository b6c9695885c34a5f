"""The other regions' APIs: a request about a job that another region owns is answered through that region.

The asking region has recognised the caller, and speaks for it by a session of half a minute that it signs itself:
regions share the signing secret, so a client's own key is never passed on, and need not be known there yet.
"""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import httpx
import jwt

from app.access.callers import Caller
from app.access.sessions import ALGORITHM, Sessions
from app.ids import JobId, region_code
from app.settings import Settings

HOP: Final = "X-Asked-Region"
AUDIENCE: Final = "contentgen-region"
SPOKEN_SECONDS: Final = 30
SECONDS: Final = 5.0
EXPORT_SECONDS: Final = 60.0
"""The longest pause within another region's export."""


class RegionUnreachable(Exception):
    """Another region does not answer."""


class Regions:
    """The other regions by their short names."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient, sessions: Sessions) -> None:
        self.own = settings.region_short
        self._urls = {region_code(region): url.rstrip("/") for region, url in settings.region_urls.items()}
        self._secrets = settings.session_secrets
        self._sessions = sessions
        self._client = client

    @property
    def others(self) -> tuple[str, ...]:
        """Every other region that can be asked."""
        return tuple(region for region in self._urls if region != self.own)

    def elsewhere(self, job: JobId, hop: str | None) -> bool:
        """True when another region owns the job and can be asked; a question from a region (``hop``) goes no further,
        so that two of them never ask each other for ever.
        """
        return hop is None and job.region in self.others

    async def ask(self, region: str, method: str, path: str, caller: Caller) -> httpx.Response:
        """The region's own reply. Raises RegionUnreachable."""
        headers = {HOP: self.own, **self._speaking_for(caller)}
        try:
            return await self._client.request(method, self._urls[region] + path, headers=headers, timeout=SECONDS)
        except httpx.HTTPError as error:
            raise RegionUnreachable(f"{region}: {type(error).__name__}") from error

    @asynccontextmanager
    async def stream(self, region: str, path: str, caller: Caller) -> AsyncIterator[AsyncIterator[str]]:
        """The lines of a region's long answer. Raises RegionUnreachable, within the block too."""
        headers = {HOP: self.own, **self._speaking_for(caller)}
        limits = httpx.Timeout(EXPORT_SECONDS, connect=SECONDS)
        try:
            async with self._client.stream("GET", self._urls[region] + path, headers=headers, timeout=limits) as reply:
                if reply.status_code != httpx.codes.OK:
                    raise RegionUnreachable(f"{region}: status {reply.status_code}")
                yield reply.aiter_lines()
        except httpx.HTTPError as error:
            raise RegionUnreachable(f"{region}: {type(error).__name__}") from error

    async def identity(self, region: str, path: str, query: Mapping[str, str]) -> bytes:
        """Answer of another region's internal route. Raises RegionUnreachable."""
        try:
            url = self._urls[region] + path
            headers = {"Authorization": f"Bearer {self._region_token(path)}"}
            reply = await self._client.get(url, params=query, headers=headers, timeout=SECONDS)
            return reply.raise_for_status().content
        except httpx.HTTPError as error:
            raise RegionUnreachable(f"{region}: {type(error).__name__}") from error

    def is_region(self, authorization: str | None, path: str) -> bool:
        """True if another region of ours asks for just this path."""
        scheme, _, token = (authorization or "").partition(" ")
        return scheme.lower() == "bearer" and any(_path(token, secret) == path for secret in self._secrets)

    def _speaking_for(self, caller: Caller) -> dict[str, str]:
        if caller.client_id is None or caller.key_id is None or caller.tier is None:
            return {}
        token = self._sessions.issue(caller.client_id, caller.key_id, caller.tier, seconds=SPOKEN_SECONDS)
        return {"Authorization": f"Bearer {token}"}

    def _region_token(self, path: str) -> str:
        claims = {"sub": path, "iss": self.own, "aud": AUDIENCE, "exp": int(time.time()) + SPOKEN_SECONDS}
        return jwt.encode(claims, self._secrets[0], ALGORITHM)


def _path(token: str, secret: str) -> str | None:
    """Path that a region's token is for, if it was signed with this secret and is in time."""
    try:
        claims = jwt.decode(token, secret, [ALGORITHM], audience=AUDIENCE, options={"require": ["exp", "sub"]})
    except jwt.PyJWTError:
        return None
    return str(claims["sub"])
