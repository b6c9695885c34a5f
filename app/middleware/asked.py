"""Requests that keep a service's instances (requirement K10): those of callers, and no probe."""

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.callers import ANONYMOUS
from app.core_services import CoreServices
from app.middleware.limits import INTERNAL, UNLIMITED
from app.service_settings import ServiceSettings


class Asked:
    """Tells the process's Activity of a request. Strangers where keys are required are refused, and count for nothing:
    there is always one who tries.
    """

    def __init__(self, app: ASGIApp, *, known_only: bool) -> None:
        self._app = app
        self._known_only = known_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """HTTP only: a WebSocket follows a job that was asked for."""
        if scope["type"] == "http" and self._counts(scope):
            services: CoreServices = scope["app"].state.services
            services.activity.note()
        await self._app(scope, receive, send)

    def _counts(self, scope: Scope) -> bool:
        path: str = scope["path"]
        if path in UNLIMITED or path.startswith(INTERNAL):
            # Machines of ours ask these by the clock.
            return False
        return not (self._known_only and scope["state"].get("caller", ANONYMOUS) == ANONYMOUS)


def note_requests(app: Starlette, settings: ServiceSettings, *, callers: bool) -> None:
    """Count the requests of a process whose autoscaler asks for them; called before the layers that refuse are added,
    because what is added last is outermost. ``callers`` says that one of them recognises who asks.
    """
    if settings.requests_noted:
        app.add_middleware(Asked, known_only=callers and settings.keys_required)
