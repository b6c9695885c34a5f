"""Owner of what a request makes and sees, in products whose rows have an owner: a client, or the guest."""

from typing import Annotated, Final

from fastapi import Depends, Request

from app.access.callers import Caller
from app.access.owners import guest
from app.api.callers import CallerNow

GUEST: Final = guest("guest")
"""Owner of what is made without a key, where that is allowed; no client's name can be it."""


def owner_of(request: Request, caller: Caller) -> str:
    """The client of the key or session, or the guest; also the client that the request's log line names."""
    found = caller.client_id or GUEST
    request.scope["state"]["client_id"] = found
    return found


async def owner(request: Request, caller: CallerNow) -> str:
    """The same, for routes that let the framework ask."""
    return owner_of(request, caller)


Owner = Annotated[str, Depends(owner)]
