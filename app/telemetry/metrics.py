"""Prometheus figures (A06, A07, A15). Labels come from small sets: route templates, models, error classes."""

import os
import resource
import time
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)

HTTP_REQUESTS = Counter("http_requests", "Requests answered.", ("method", "endpoint", "status"))
HTTP_SECONDS = Histogram("http_request_duration_seconds", "Time to answer.", ("method", "endpoint"), buckets=BUCKETS)
ACTIVE_CONNECTIONS = Gauge("active_connections", "Requests and WebSockets being served.", multiprocess_mode="livesum")
ACTIVE_JOBS = Gauge("active_jobs", "Jobs being worked on, in the whole queue.", multiprocess_mode="livemax")
QUEUE_SIZE = Gauge("queue_size", "Jobs that wait, in the whole queue.", multiprocess_mode="livemax")
QUEUE_AGE = Gauge(
    "queue_oldest_job_seconds", "How long the oldest waiting job has waited.", multiprocess_mode="livemax"
)
MEMORY = Gauge("memory_usage_bytes", "Resident memory.", multiprocess_mode="livesum")
CPU = Gauge(
    "cpu_usage_percent", "Processor time used since the last reading, of one core.", multiprocess_mode="livesum"
)
DATABASE_CONNECTIONS = Gauge(
    "database_pool_connections", "Connections this process has checked out of its pools.", multiprocess_mode="livesum"
)
CONTENT_REQUESTS = Counter("content_requests", "Jobs that ended.", ("status",))
CONTENT_ERRORS = Counter("content_errors", "Attempts that gave no text.", ("error_type",))
CONTENT_SECONDS = Histogram(
    "content_generation_seconds", "Time of a successful attempt.", ("content_type",), buckets=(*BUCKETS, 30.0, 60.0)
)
QUEUE_WAIT = Histogram("queue_wait_seconds", "From acceptance to the first attempt.", buckets=(*BUCKETS, 60.0, 300.0))
TOKENS = Counter(
    "content_tokens", "Tokens as charged; thought is part of output, cached of input.", ("model", "direction")
)
COST = Counter("content_cost_usd", "What providers charge, in US dollars.", ("model",))
BATCHES = Counter("provider_batches", "Batches handed to providers.", ("provider",))
BATCH_ITEMS = Counter(
    "provider_batch_items", "Texts in providers' batches: ordered, and written or lost.", ("provider", "outcome")
)
BATCH_WAITING = Gauge(
    "provider_batch_waiting_jobs", "Jobs whose text a provider's batch will bring.", multiprocess_mode="livemax"
)
CACHE = Counter("cache_lookups", "Look-ups by level and result.", ("level", "result"))
SOCKETS = Counter("websockets", "WebSockets that ended, by close code.", ("code",))
RATE_LIMITED = Counter("rate_limited_requests", "Requests refused by a limit.", ("scope",))
DEGRADED = Counter("degraded_operations", "Times the service went on without a dependency.", ("dependency",))
BACKGROUND_FAILURES = Counter("background_failures", "Times a background task failed and was begun again.", ("task",))
DEFAULT_PARTITION = Gauge(
    "jobs_default_partition_rows", "Jobs in no month's partition, up to a thousand.", multiprocess_mode="livemax"
)

_PAGE = os.sysconf("SC_PAGE_SIZE")


EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition() -> bytes:
    """The text Prometheus scrapes; over all worker processes where there are several."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


class ProcessFigures:
    """Memory and processor use of this process, read when asked."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def update(self) -> None:
        """Set the gauges; the processor figure is the mean since the last call."""
        wall, cpu = time.monotonic(), time.process_time()
        if wall > self._wall:
            CPU.set(100 * (cpu - self._cpu) / (wall - self._wall))
        self._wall, self._cpu = wall, cpu
        MEMORY.set(resident_bytes())


def resident_bytes() -> int:
    """Resident memory of this process."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
