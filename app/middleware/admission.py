"""The inner layers of a role that callers reach: modes, identity and limits, and what other origins may do."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware

from app.middleware.limits import Limits
from app.middleware.modes import Modes
from app.process_settings import ProcessSettings


def admit(app: Starlette) -> None:
    """Recognise and count callers, and refuse what the mode in force does not allow."""
    app.add_middleware(Modes)
    app.add_middleware(Limits)


def share(app: Starlette, settings: ProcessSettings, methods: Sequence[str]) -> None:
    """Let the pages of CORS_ORIGINS use these methods; without such origins nothing is added."""
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=methods,
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-API-Key", "X-Request-ID"],
            expose_headers=[
                *("Location", "Retry-After", "X-Request-ID"),
                *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit", "RateLimit-Policy"),
            ],
            max_age=600,
        )
