"""Dependencies of content generation's routes: the parts of the process, the job of the path, the administrator."""

import hmac
from typing import Annotated

from fastapi import Depends, Header, Path, Request
from starlette.requests import HTTPConnection

from app.access.callers import Caller
from app.addresses import parse, within
from app.api.problems import ProblemError
from app.ids import JobId
from app.regions import HOP
from app.services import Services

NO_SUCH_JOB = "There is no such job."


def services_of(connection: HTTPConnection) -> Services:
    """The parts of this process."""
    found = connection.app.state.services
    assert isinstance(found, Services)
    return found


async def services(connection: HTTPConnection) -> Services:
    """The same, for routes that let the framework ask."""
    return services_of(connection)


ServicesNow = Annotated[Services, Depends(services)]


def client_of(caller: Caller, asked: str | None) -> str:
    """The client a request is about: a key's own, or the one that a guest names."""
    if caller.client_id is None:
        if asked is None:
            raise ProblemError(422, "Say whose jobs: give client_id, or send an API key.", code="client_id_missing")
        return asked
    if asked not in (None, caller.client_id):
        detail = f"This key belongs to '{caller.client_id}'; client_id must be the same, or be left out."
        raise ProblemError(403, detail, code="other_client")
    return caller.client_id


async def job_id(
    job_id: Annotated[str, Path(examples=["use1-019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"])],
) -> JobId:
    """The job of the path; what cannot be an id cannot be found either."""
    try:
        return JobId.parse(job_id)
    except ValueError:
        raise ProblemError(404, NO_SUCH_JOB, code="job_not_found") from None


AskingRegion = Annotated[str | None, Header(alias=HOP, max_length=20, include_in_schema=False)]
JobOfPath = Annotated[JobId, Depends(job_id)]


async def administrator(
    request: Request,
    services: ServicesNow,
    x_admin_token: Annotated[str | None, Header(max_length=200)] = None,
) -> None:
    """Both the address list and the token (A11, D02): 403 from elsewhere, 401 without the token."""
    settings = services.settings
    address = parse(request.client.host) if request.client else None
    if not within(address, settings.allowed_admin_ips):
        raise ProblemError(403, "This address may not administer the service; see ALLOWED_ADMIN_IPS.")
    given = (x_admin_token or "").encode()
    if not any(hmac.compare_digest(given, token.encode()) for token in settings.admin_tokens):
        raise ProblemError(
            401, "Send the administrator's token in X-Admin-Token.", {"WWW-Authenticate": "X-Admin-Token"}
        )


Administrator = Depends(administrator)
