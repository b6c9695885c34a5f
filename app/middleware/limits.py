"""Recognise the caller and count the request before a route runs (A10, E03, E05)."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.callers import ANONYMOUS, NotRecognised
from app.access.tiers import allowance
from app.api.problems import send_problem
from app.database import DatabaseUnavailable
from app.regions import VOUCHER
from app.services import Services
from app.telemetry.metrics import RATE_LIMITED

# Answered for machines of ours, which must never be refused for asking often.
UNLIMITED = frozenset(
    (
        *("/health", "/health/db", "/health/cache", "/health/sentry", "/health/stripe"),
        *("/ready", "/metrics", "/api/health", "/api/ready"),
    )
)
UNAUTHORISED = {"WWW-Authenticate": "Bearer"}


class Limits:
    """Puts the caller into scope["state"]["caller"] and answers 401, 429 or 503 in place of the route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """HTTP only; WebSockets say who they are in their first message."""
        if scope["type"] != "http" or scope["path"] in UNLIMITED:
            await self._app(scope, receive, send)
            return
        services: Services = scope["app"].state.services
        headers = Headers(scope=scope)
        address = scope["client"][0] if scope.get("client") else "unknown"
        wrong = None
        try:
            caller = await services.callers.identify(headers)
        except NotRecognised:
            caller, wrong = ANONYMOUS, (401, "This key or token is not valid; ask for a new one.", UNAUTHORISED)
        except DatabaseUnavailable:
            caller, wrong = ANONYMOUS, (503, "The database is not available.", {"Retry-After": "5"})
        scope["state"]["caller"] = caller
        added: dict[str, str] = {}
        if services.settings.rate_limit_enabled and not services.regions.vouched(headers.get(VOUCHER), scope["path"]):
            who = f"key:{caller.key_id}" if caller.key_id else f"address:{address}"
            generation = scope["path"] == "/generate" and scope["method"] == "POST"
            allowed = allowance(caller.tier, services.settings)
            verdict = await services.limiter.request(who, allowed, generation=generation)
            added = verdict.headers
            if not verdict.allowed:
                RATE_LIMITED.labels(verdict.scope).inc()
                detail = f"More than {verdict.limit} requests in this {_WORDS[verdict.scope]}; see Retry-After."
                await send_problem(scope, receive, send, 429, detail, added)
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


_WORDS = {"minute": "minute", "hour": "hour", "generate": "minute for generation", "day": "day for generation"}
