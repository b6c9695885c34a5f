"""Fill levels of the stores (A15, P03, R03), under the metric names of Prometheus' exporters for them."""

from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.redis_link import RedisDown, RedisLink

BACKENDS = Gauge(
    "pg_stat_database_numbackends",
    "Connections to the database, of all clients.",
    ("datname",),
    multiprocess_mode="livemax",
)
MAX_CONNECTIONS = Gauge("pg_settings_max_connections", "Connections the server accepts.", multiprocess_mode="livemax")
REDIS_USED = Gauge("redis_memory_used_bytes", "What a Redis holds.", ("store",), multiprocess_mode="livemax")
REDIS_MAX = Gauge("redis_memory_max_bytes", "What it may hold; 0 is no limit.", ("store",), multiprocess_mode="livemax")

_CONNECTIONS = text(
    """
    SELECT datname, numbackends, current_setting('max_connections')::integer AS most
    FROM pg_stat_database WHERE datname IS NOT NULL
    """
)


async def read_database(connection: AsyncConnection) -> None:
    """Every database of the server, because all of them share what it accepts. Raises what the connection does."""
    _forget(BACKENDS)
    for row in await connection.execute(_CONNECTIONS):
        BACKENDS.labels(row.datname).set(row.numbackends)
        MAX_CONNECTIONS.set(row.most)


def forget() -> None:
    """Show zero: another process reads the stores from now on, and queries take the largest."""
    for gauge in (BACKENDS, MAX_CONNECTIONS, REDIS_USED, REDIS_MAX):
        _forget(gauge)


def _forget(gauge: Gauge) -> None:
    for sample in (sample for metric in gauge.collect() for sample in metric.samples):
        (gauge.labels(**sample.labels) if sample.labels else gauge).set(0)


async def read_redis(link: RedisLink, store: str) -> None:
    """Read Redis' memory. While it is down the gauges keep their last values; another metric reports the outage."""
    try:
        memory = await link.memory()
    except RedisDown:
        return
    REDIS_USED.labels(store).set(memory.used)
    REDIS_MAX.labels(store).set(memory.most)
