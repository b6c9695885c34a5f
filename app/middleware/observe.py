"""One look at every request: its id, its time, its figures, its log line, and the answer when a route breaks."""

import time
from collections.abc import Mapping, Sequence
from secrets import token_hex

import sentry_sdk
import structlog
from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import send_problem
from app.process_settings import ProcessSettings
from app.telemetry.metrics import ACTIVE_CONNECTIONS, HTTP_REQUESTS, HTTP_SECONDS

_LOG = structlog.get_logger("app.requests")
_BROKEN = 500
_QUIET = frozenset(("/health", "/ready", "/metrics", "/api/health", "/api/ready"))
_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))


class Observe:
    """Counts, times and logs requests, and turns what escapes a route into a 500 that says nothing about the inside."""

    def __init__(self, app: ASGIApp, settings: ProcessSettings, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._routes = routes
        self._logging = settings.request_logging_enabled
        self._slow = settings.slow_request_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Bind the request's id for every log line inside it and hand it back in X-Request-ID."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0
        began = time.perf_counter()

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", []).append((b"x-request-id", request_id.encode("latin-1")))
            await send(message)

        ACTIVE_CONNECTIONS.inc()
        # Not undone afterwards: the server runs each request in a context of its own.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:
            scope["state"]["error_type"] = type(error).__name__
            _LOG.exception("request failed", endpoint=self._endpoint(scope))
            # Answered here, so what Sentry wraps further out never sees it.
            sentry_sdk.capture_exception(error)
            if status:
                raise
            await send_problem(scope, receive, send_and_note, 500, "Something broke on our side; try again later.")
        finally:
            ACTIVE_CONNECTIONS.dec()
            self._note(scope, status, time.perf_counter() - began)

    def _endpoint(self, scope: Scope) -> str:
        """The route template, never the raw path: paths come from outside and would make endless label values (A07)."""
        route = scope.get("route")
        if route is None:
            # Answered by a layer (a limit, a mode) before a route was chosen: the one that was meant.
            route = next((entry for entry in self._routes if entry.matches(scope)[0] is Match.FULL), None)
        return str(getattr(route, "path", "unmatched"))

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        endpoint = self._endpoint(scope)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        HTTP_REQUESTS.labels(method, endpoint, str(status)).inc()
        HTTP_SECONDS.labels(method, endpoint).observe(seconds)
        slow = seconds > self._slow
        # A probe's 503 is an answer like any other.
        broken = status >= _BROKEN and endpoint not in _QUIET
        if slow or broken or (self._logging and endpoint not in _QUIET):
            state: Mapping[str, object] = scope["state"]
            fields = {key: state[key] for key in ("client_id", "job_id", "error_type") if key in state}
            log = _LOG.error if "error_type" in fields and broken else _LOG.warning if slow or broken else _LOG.info
            log(
                "slow request" if slow else "request",
                method=method,
                endpoint=endpoint,
                status=status,
                duration_ms=round(seconds * 1000, 2),
                address=scope["client"][0] if scope.get("client") else None,
                **fields,
            )


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if 8 <= len(given) <= 100 and given.isascii() and given.replace("-", "").isalnum() else token_hex(16)
