"""Jobs of other regions: a status request that lands here is answered through the region the job's id names.

The asking region has counted its client's request already. It says so by a voucher, so that the clients of a whole
region are not held to the limits of one: to the owning region they all come from one address.
"""

import time

import httpx
import jwt

from app.ids import JobId, region_code
from app.settings import Settings

HOP = "X-Asked-Region"
VOUCHER = "X-Region-Voucher"
ALGORITHM, AUDIENCE = "HS256", "contentgen-region"
VOUCHER_SECONDS = 30
SECONDS = 5.0


class RegionUnreachable(Exception):
    """The owning region does not answer."""


class Regions:
    """The other regions' APIs."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        self._own = settings.region_short
        self._urls = {region_code(region): url.rstrip("/") for region, url in settings.region_urls.items()}
        self._secrets = settings.session_secrets
        self._client = client

    def elsewhere(self, job: JobId) -> bool:
        """True when another region owns the job and can be asked."""
        return job.region != self._own and job.region in self._urls

    async def status(self, job: JobId, credentials: dict[str, str]) -> httpx.Response:
        """The owning region's own reply, asked once: the header keeps two regions from asking each other for ever."""
        path = f"/status/{job}"
        headers = {**credentials, HOP: self._own, **self._voucher(path)}
        try:
            return await self._client.get(f"{self._urls[job.region]}{path}", headers=headers, timeout=SECONDS)
        except httpx.HTTPError as error:
            raise RegionUnreachable(f"{job.region}: {type(error).__name__}") from error

    def vouched(self, voucher: str | None, path: str) -> bool:
        """Whether another region of ours asks for just this, and has counted it."""
        return voucher is not None and any(_path(voucher, secret) == path for secret in self._secrets)

    def _voucher(self, path: str) -> dict[str, str]:
        if not self._secrets:
            return {}
        claims = {"sub": path, "iss": self._own, "aud": AUDIENCE, "exp": int(time.time()) + VOUCHER_SECONDS}
        return {VOUCHER: jwt.encode(claims, self._secrets[0], ALGORITHM)}


def _path(voucher: str, secret: str) -> str | None:
    """What a voucher is for, if it was signed with this secret and is in time."""
    try:
        claims = jwt.decode(voucher, secret, [ALGORITHM], audience=AUDIENCE, options={"require": ["exp", "sub"]})
    except jwt.PyJWTError:
        return None
    return str(claims["sub"])
