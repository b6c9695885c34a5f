"""A small HTTP/1.1 load generator: on a shared machine the client must cost less than the server it measures."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

ACCEPTED = (201, 202)


@dataclass
class Result:
    """Request and its answer; seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    errors: int = 0

    @property
    def per_second(self) -> float:
        """Replies a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Latency in milliseconds that so many percent stay under."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))] if ordered else 0.0

    @property
    def failed(self) -> int:
        """Replies that are neither 2xx nor a refusal by a limit, and broken connections."""
        return self.errors + sum(count for status, count in self.statuses.items() if status >= 500)


async def load(
    host: str,
    port: int,
    request: Callable[[int], bytes],
    *,
    connections: int,
    seconds: float | None = None,
    requests: int | None = None,
    rate: float | None = None,
) -> Result:
    """Send for so long, or so many, over so many connections; with a `rate` at fixed times.

    A latency at a rate counts from when the request was due, so that a slow server is not spared.
    """
    result, counter, began = Result(), iter(range(requests or 10**9)), time.perf_counter()
    until = began + (seconds or math.inf)

    async def run() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        try:
            while time.perf_counter() < until and (number := next(counter, None)) is not None:
                due = began + number / rate if rate else time.perf_counter()
                if due >= until:
                    return
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                writer.write(request(number))
                status, body = await _reply(reader)
                result.latencies.append(time.perf_counter() - due)
                result.statuses[status] = result.statuses.get(status, 0) + 1
                if status in ACCEPTED:
                    result.bodies.append(body)
        except (OSError, asyncio.IncompleteReadError):
            result.errors += 1
        finally:
            writer.close()

    await asyncio.gather(*(run() for _ in range(connections)))
    result.seconds = time.perf_counter() - began
    return result


async def _reply(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    start = lower.index(b"content-length:") + 15
    length = int(lower[start : lower.index(b"\r\n", start)])
    return int(head[9:12]), await reader.readexactly(length)


def post(path: str, body: bytes, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """A POST with a JSON body."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers), "", ""]).encode() + body
