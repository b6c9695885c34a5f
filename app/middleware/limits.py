"""Recognise the caller and count the request before a route runs (A10, E03, E05)."""

import time
from collections import OrderedDict
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.callers import ANONYMOUS, Caller, NotRecognised
from app.access.limiter import ADDRESS, Verdict
from app.access.tiers import allowance
from app.addresses import network_of
from app.api.problems import send_problem
from app.core_services import CoreServices
from app.database import DatabaseUnavailable
from app.telemetry.metrics import RATE_LIMITED

# Answered for machines of ours, which must never be refused for asking often.
UNLIMITED = frozenset(
    (
        *("/health", "/health/db", "/health/cache", "/health/sentry", "/health/stripe"),
        *("/ready", "/metrics", "/api/health", "/api/ready"),
    )
)
INTERNAL: Final = "/internal/"
"""Prefix of the paths between regions; the route itself knows who may call it."""
ADMINISTRATION: Final = ("/admin/", "/api/admin/")
"""Prefixes of the paths whose caller is the administrator, known by a token that only those routes can judge."""
GENERATION: Final = frozenset(("/generate", "/api/recipes", "/api/generate"))
"""Paths whose POST has a text written or a video rendered."""
UNAUTHORISED = {"WWW-Authenticate": "Bearer"}
REMEMBERED: Final = 10_000
"""Addresses whose wrong credentials are not looked up any more for a while."""


class Limits:
    """Puts the caller into scope["state"]["caller"] and answers 401, 429 or 503 in place of the route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._guessing: OrderedDict[str, float] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """HTTP only; WebSockets say who they are in their first message."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path in UNLIMITED or path.startswith(INTERNAL):
            await self._app(scope, receive, send)
            return
        services: CoreServices = scope["app"].state.services
        address = ADDRESS + network_of(scope["client"][0] if scope.get("client") else "unknown")
        caller, wrong = await self._caller(services, Headers(scope=scope), address, path)
        scope["state"]["caller"] = caller
        added: dict[str, str] = {}
        if services.settings.rate_limit_enabled:
            who = f"key:{caller.key_id}" if caller.key_id else address
            generation = path in GENERATION and scope["method"] == "POST"
            verdict = await services.limiter.request(
                who, allowance(caller.tier, services.settings), generation=generation
            )
            scope["state"]["counted"] = verdict.question
            added = verdict.headers
            if not verdict.allowed:
                await self._refuse(verdict, address if wrong else None, scope, receive, send)
                return
        if wrong:
            status, detail, headers = wrong
            await send_problem(scope, receive, send, status, detail, {**added, **headers})
            return
        pairs = [(name.lower().encode(), value.encode()) for name, value in added.items()]

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", []).extend(pairs)
            await send(message)

        await self._app(scope, receive, send_with_limits)

    async def _caller(
        self, services: CoreServices, headers: Headers, address: str, path: str
    ) -> tuple[Caller, tuple[int, str, dict[str, str]] | None]:
        """The caller, and the answer to wrong credentials. Who has guessed too often asks no database."""
        if path.startswith("/api/admin/"):
            return ANONYMOUS, None
        ask = self._guessing.get(address, 0.0) < time.monotonic()
        try:
            return await services.callers.identify(headers, ask=ask), None
        except NotRecognised:
            return ANONYMOUS, (401, "This key or token is not valid; ask for a new one.", UNAUTHORISED)
        except DatabaseUnavailable:
            return ANONYMOUS, (503, "The database is not available.", {"Retry-After": "5"})

    async def _refuse(self, verdict: Verdict, guessing: str | None, scope: Scope, receive: Receive, send: Send) -> None:
        RATE_LIMITED.labels(verdict.window.scope).inc()
        if guessing:
            self._guessing[guessing] = time.monotonic() + verdict.wait_seconds
            self._guessing.move_to_end(guessing)
            while len(self._guessing) > REMEMBERED:
                self._guessing.popitem(last=False)
        detail = f"More than {verdict.window.limit} requests in this {_WORDS[verdict.window.scope]}; see Retry-After."
        await send_problem(scope, receive, send, 429, detail, verdict.headers, code="rate_limited")


_WORDS = {"minute": "minute", "hour": "hour", "generate": "minute for generation", "day": "day for generation"}
