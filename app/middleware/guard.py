"""Refusals before any route: foreign hosts, plain HTTP where HTTPS is required, large bodies (E02)."""

from collections.abc import Sequence
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import send_problem
from app.limits import body_limit
from app.process_settings import ProcessSettings

# Kubelets, load balancers and Prometheus call pods by address and without TLS.
PROBES = frozenset(("/health", "/ready", "/metrics"))
# The rest of a body that is too large is not worth reading.
CLOSE = {"Connection": "close"}


class _TooLarge(Exception):
    """The body went over the limit while it was read."""


class Guard:
    """Checks host, scheme and body size."""

    def __init__(self, app: ASGIApp, settings: ProcessSettings) -> None:
        self._app = app
        self._hosts: Sequence[str] = settings.allowed_hosts
        self._any_host = "*" in self._hosts
        self._https = settings.https_redirect_enabled
        self._limit = settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """400 for a foreign host, 308 to HTTPS, 413 for a body that says or proves to be too large."""
        if scope["type"] not in ("http", "websocket") or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not (self._any_host or self._allowed(host)):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await send_problem(scope, receive, send, 400, "This host name is not served here.")
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        if self._https and scope["scheme"] == "http":
            query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
            target = f"https://{host}{quote(scope['path'])}{query}"
            await RedirectResponse(target, 308)(scope, receive, send)
            return
        await self._limited(scope, receive, send, headers)

    async def _limited(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        limit = min(self._limit, body_limit(scope["path"]))
        detail = f"The body may have at most {limit} bytes."
        declared = headers.get("content-length", "")
        if declared.isdigit() and "transfer-encoding" not in headers:
            # The server reads no more than was declared.
            if int(declared) > limit:
                await send_problem(scope, receive, send, 413, detail, CLOSE)
            else:
                await self._app(scope, receive, send)
            return
        read, exceeded = 0, False

        async def counted() -> Message:
            nonlocal read, exceeded
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                exceeded = True
                raise _TooLarge
            return message

        async def unless_exceeded(message: Message) -> None:
            # The framework answers 400 for a body that cannot be read; ours is the better answer.
            if not exceeded:
                await send(message)

        try:
            await self._app(scope, counted, unless_exceeded)
        except _TooLarge:
            exceeded = True
        if exceeded:
            await send_problem(scope, receive, send, 413, detail, CLOSE)

    def _allowed(self, host: str) -> bool:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        lower = name.lower()
        return any(
            lower == pattern or (pattern.startswith("*.") and lower.endswith(pattern[1:])) for pattern in self._hosts
        )
