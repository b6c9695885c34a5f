"""Maintenance and read-only mode (L04): 503 with Retry-After in place of the route; health and administration go on."""

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import send_problem
from app.core_services import CoreServices
from app.middleware.limits import ADMINISTRATION, UNLIMITED
from app.switches import Mode

_READING = frozenset(("GET", "HEAD", "OPTIONS"))
RETRY = {"Retry-After": "60"}


class Modes:
    """Refuses what the mode in force does not allow."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """HTTP only: a WebSocket only reads."""
        if scope["type"] != "http" or scope["path"] in UNLIMITED or scope["path"].startswith(ADMINISTRATION):
            await self._app(scope, receive, send)
            return
        services: CoreServices = scope["app"].state.services
        mode = services.switchboard.now.mode
        if mode is Mode.MAINTENANCE:
            await send_problem(scope, receive, send, 503, "Down for maintenance; what was accepted is kept.", RETRY)
        elif mode is Mode.READ_ONLY and scope["method"] not in _READING:
            await send_problem(scope, receive, send, 503, "Read-only at the moment; nothing new is accepted.", RETRY)
        else:
            await self._app(scope, receive, send)
