"""Jobs of other regions: a status request that lands here is answered through the region the job's id names."""

import httpx

from app.ids import JobId, region_code
from app.settings import Settings

HOP = "X-Asked-Region"
SECONDS = 5.0


class RegionUnreachable(Exception):
    """The owning region does not answer."""


class Regions:
    """The other regions' APIs."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        self._own = settings.region_short
        self._urls = {region_code(region): url.rstrip("/") for region, url in settings.region_urls.items()}
        self._client = client

    def elsewhere(self, job: JobId) -> bool:
        """True when another region owns the job and can be asked."""
        return job.region != self._own and job.region in self._urls

    async def status(self, job: JobId, credentials: dict[str, str]) -> httpx.Response:
        """The owning region's own reply, asked once: the header keeps two regions from asking each other for ever."""
        headers = {**credentials, HOP: self._own}
        try:
            return await self._client.get(f"{self._urls[job.region]}/status/{job}", headers=headers, timeout=SECONDS)
        except httpx.HTTPError as error:
            raise RegionUnreachable(f"{job.region}: {type(error).__name__}") from error
