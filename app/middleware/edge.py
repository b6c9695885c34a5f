"""The outer layers of every process that answers requests, whatever its role."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from app.middleware.address import ClientAddress
from app.middleware.guard import Guard
from app.middleware.headers import SecurityHeaders
from app.middleware.observe import Observe
from app.process_settings import ProcessSettings


def protect(app: Starlette, settings: ProcessSettings, routes: Sequence[BaseRoute]) -> None:
    """Host, size, figures, client address and security headers; called after every inner layer, because what is added
    last is outermost.
    """
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(Observe, settings=settings, routes=routes)
    app.add_middleware(ClientAddress, trusted=settings.trusted_proxies, hops=settings.proxy_hops)
    app.add_middleware(SecurityHeaders, headers=settings.response_headers)
