"""Dependencies of routes of any product: the parts of the process, and the caller."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from app.access.callers import Caller
from app.api.problems import ProblemError
from app.core_services import CoreServices

BEARER = {"WWW-Authenticate": "Bearer"}
NO_STORE = {"Cache-Control": "no-store"}


def core_of(connection: HTTPConnection) -> CoreServices:
    """The parts of this process."""
    found = connection.app.state.services
    assert isinstance(found, CoreServices)
    return found


async def core(connection: HTTPConnection) -> CoreServices:
    """The same, for routes that let the framework ask."""
    return core_of(connection)


Parts = TypeVar("Parts", bound=CoreServices)


def parts_of(kind: type[Parts]) -> Callable[[Request], Parts]:
    """Finds the parts of a product's process for a request."""

    def found(request: Request) -> Parts:
        services = core_of(request)
        assert isinstance(services, kind)
        return services

    return found


def parts(kind: type[Parts]) -> Callable[[Request], Awaitable[Parts]]:
    """A dependency that gives a product's routes the same."""
    of_request = parts_of(kind)

    async def found(request: Request) -> Parts:
        return of_request(request)

    return found


CoreNow = Annotated[CoreServices, Depends(core)]


def caller_of(request: Request) -> Caller:
    """Sender of the request; 401 when this deployment wants a key and there is none (E03)."""
    found = request.scope["state"]["caller"]
    assert isinstance(found, Caller)
    if found.key_id is None and core_of(request).settings.keys_required:
        raise ProblemError(401, "Send an API key in X-API-Key, or a session token as Bearer.", BEARER)
    return found


async def caller(request: Request) -> Caller:
    """The same, for routes that let the framework ask."""
    return caller_of(request)


CallerNow = Annotated[Caller, Depends(caller)]


async def keyed(caller: CallerNow) -> Caller:
    """A caller with a key or session; 401 for a guest, also where guests are let in."""
    if caller.client_id is None:
        raise ProblemError(401, "Send an API key: only its holder may ask for this.", BEARER)
    return caller


KeyedCaller = Annotated[Caller, Depends(keyed)]
