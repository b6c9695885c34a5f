"""The HTTP/1.1 side of a connection with bounds on what a client may send and how long it may take.

uvicorn's fast parser has none: headers of any size are collected, and half a request holds its connection for ever.
Behind a gateway these bounds are met rarely; without one, or for who reaches a pod inside the cluster, they are all
there is (app.limits).
"""

from asyncio import TimerHandle, Transport
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app import limits

_ANSWER: Final = (
    "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\n"
    "connection: close\r\n\r\n{text}"
)
_HEADERS: Final = (
    "431 Request Header Fields Too Large",
    f"Request line and headers: {limits.HEADER_BYTES} bytes at most.",
)
_BODY: Final = ("413 Content Too Large", "The body goes on beyond every limit of this service.")
_SLOW: Final = ("408 Request Timeout", "The request was not sent in time.")
_CHUNK_OVERHEAD: Final = 8
"""A body in chunks of one byte takes six on the wire for each."""


class _TooLarge(Exception):
    """Stops the parser."""


class BoundedHttp(HttpToolsProtocol):
    """Refuses large headers with 431 and slow requests with 408, and closes their connections.

    Most requests come whole in one read, so the timer is looked at after a read, not at each step of the parser.
    """

    _timer: TimerHandle | None = None
    _timed: float | None = None
    _received = 0
    _seconds: float | None = limits.HEADER_SECONDS
    """The time limit of what is being read; None between two requests, when uvicorn's own holds."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """A connection on which no request comes is closed like one that sends half of it."""
        super().connection_made(transport)
        self._keep_time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is timed any more."""
        self._seconds = None
        self._keep_time()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, then see whether what has come by now is too much."""
        if self._seconds is None:
            self._seconds, self._received = limits.HEADER_SECONDS, 0
        self._received += len(data)
        super().data_received(data)
        if self._seconds == limits.HEADER_SECONDS and self._received > limits.HEADER_BYTES:
            self._refuse(*_HEADERS)
        elif self._seconds is not None and self._received > _CHUNK_OVERHEAD * limits.LARGEST_BODY_BYTES:
            self._refuse(*_BODY)
        self._keep_time()

    def on_headers_complete(self) -> None:
        """Start the time limit of the body, after the headers."""
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > limits.HEADER_BYTES:
            self._refuse(*_HEADERS)
            raise _TooLarge
        self._seconds, self._received = limits.BODY_SECONDS, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole; another may follow on the same connection."""
        self._seconds = None
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """From here on the limits of WebSockets hold."""
        self._seconds = None
        self._keep_time()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """uvicorn's answer to what is no HTTP, unless the request was refused for its size."""
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def _keep_time(self) -> None:
        if self._seconds == self._timed:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timed = self._seconds
        self._timer = self.loop.call_later(self._seconds, self._refuse, *_SLOW) if self._seconds else None

    def _refuse(self, status: str, text: str) -> None:
        if self.transport.is_closing():
            return
        # An answer that is under way, or was given before the body had come, is the only one: the connection just ends.
        answered = self._timed == limits.BODY_SECONDS and self.cycle is not None and self.cycle.response_started
        if not answered:
            self.transport.write(_ANSWER.format(status=status, length=len(text), text=text).encode())
        self.transport.close()
