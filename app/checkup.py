"""`python -m app health URL`: every health endpoint of a running service, its documents and the page, PASS or FAIL each
(O16).
"""

from collections.abc import Iterator, Sequence
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
    "/docs",
)
EVERY_PRODUCTS = tuple(path for path in ENDPOINTS if path != "/health/stripe")
"""Endpoints of a product without a payment provider."""
CLOSED = {"/docs": 404}
"""Answers as good as 200: production closes its documents (E02)."""


@dataclass(frozen=True)
class Finding:
    """One endpoint's answer: good when it came in time with 200."""

    endpoint: str
    good: bool
    detail: str

    def __str__(self) -> str:
        return f"{'PASS' if self.good else 'FAIL'} {self.endpoint}: {self.detail}"


def examine(url: str, page: str | None = None, endpoints: Sequence[str] = ENDPOINTS) -> Iterator[Finding]:
    """Ask the endpoints of the service one after another, then the page where one is named, each for ten seconds at
    most.
    """
    asked = [(url, endpoint, endpoint) for endpoint in endpoints]
    if page is not None:
        asked.append((page, "/", page))
    with httpx.Client(timeout=SECONDS) as client:
        for base, endpoint, named in asked:
            try:
                reply = client.get(f"{base.rstrip('/')}{endpoint}")
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                yield Finding(named, False, f"{type(error).__name__}: {error}")
                continue
            milliseconds = reply.elapsed.total_seconds() * 1000
            good = reply.status_code in (200, CLOSED.get(endpoint))
            yield Finding(named, good, f"{reply.status_code} in {milliseconds:.0f} ms")
