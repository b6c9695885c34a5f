"""`python -m app health URL`: every health endpoint of a running service, PASS or FAIL each (O16)."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx

SECONDS = 10.0
ENDPOINTS = (
    "/health",
    "/health/db",
    "/health/cache",
    "/health/sentry",
    "/health/stripe",
    "/api/health",
    "/api/ready",
    "/ready",
)


@dataclass(frozen=True)
class Finding:
    """One endpoint's answer: good when it came in time with 200."""

    endpoint: str
    good: bool
    detail: str

    def __str__(self) -> str:
        return f"{'PASS' if self.good else 'FAIL'} {self.endpoint}: {self.detail}"


def examine(url: str) -> Iterator[Finding]:
    """Ask the endpoints one after another, each for ten seconds at most."""
    with httpx.Client(base_url=url, timeout=SECONDS) as client:
        for endpoint in ENDPOINTS:
            try:
                reply = client.get(endpoint)
            except httpx.HTTPError as error:
                yield Finding(endpoint, False, f"{type(error).__name__}: {error}")
                continue
            milliseconds = reply.elapsed.total_seconds() * 1000
            yield Finding(endpoint, reply.status_code == 200, f"{reply.status_code} in {milliseconds:.0f} ms")
