"""Figures and log line of a job of a product's own table that is done."""

import structlog

from app.attempts import Attempt
from app.telemetry.metrics import CONTENT_REQUESTS, CONTENT_SECONDS

_LOG = structlog.get_logger("app.worker")


def ended(kind: str, job: Attempt, seconds: float) -> None:
    """Count and log a job that has its result."""
    CONTENT_REQUESTS.labels("success").inc()
    CONTENT_SECONDS.labels(kind).observe(seconds)
    _LOG.info("job completed", kind=kind, attempt=job.attempt, duration_ms=round(seconds * 1000, 1))
