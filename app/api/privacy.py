"""A person's right to see and to erase what the service has of them (X03)."""

import json
from collections.abc import AsyncIterator
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from app.api.callers import NO_STORE, KeyedCaller
from app.api.dependencies import AskingRegion, ServicesNow
from app.api.problems import ProblemError, documented
from app.domain import ClientId, Strict
from app.privacy import erase, export, forget
from app.regions import RegionUnreachable

router = APIRouter(tags=["privacy"])
NDJSON = "application/x-ndjson"
_STREAM: dict[int | str, dict[str, object]] = {
    200: {
        "description": "One JSON object a line; the last says of each region whether it is complete.",
        "content": {NDJSON: {"schema": {"type": "string"}}},
    }
}


class Erasure(Strict):
    """Confirmation of an erasure: the client to erase, said once more, because it cannot be taken back."""

    client_id: ClientId = Field(description="Your own client's name.")


class Erased(BaseModel):
    """Amount of a client's data that was deleted here; the other regions follow within seconds of being reachable."""

    jobs: int = Field(ge=0)
    erased_at: datetime


@router.get("/export", responses={**documented(401, 429, 503), **_STREAM})
async def export_data(services: ServicesNow, caller: KeyedCaller, hop: AskingRegion = None) -> StreamingResponse:
    """Everything that the service has of the caller, from every region."""
    client = caller.client_id or ""

    async def lines() -> AsyncIterator[str]:
        rows, complete = 0, {services.regions.own: True}
        async for line in export(services.database, client, services.owned):
            if not _is_end(line):
                rows += 1
                yield line
        for region in () if hop else services.regions.others:
            complete[region] = True
            try:
                async with services.regions.stream(region, "/export", caller) as theirs:
                    async for line in theirs:
                        if not _is_end(line):
                            rows += 1
                            yield line + "\n"
            except RegionUnreachable:
                complete[region] = False
        yield json.dumps({"rows": rows, "complete": complete}) + "\n"

    return StreamingResponse(lines(), headers=NO_STORE, media_type=NDJSON)


@router.post("/erase", response_model=Erased, responses=documented(400, 401, 403, 422, 429, 503))
async def erase_data(erasure: Erasure, services: ServicesNow, caller: KeyedCaller) -> Erased:
    """Delete everything that the service has of the caller: jobs, texts, keys, sessions, in every region and in what is
    restored from a backup later.
    """
    if erasure.client_id != caller.client_id:
        detail = f"This key belongs to '{caller.client_id}'; give that name to confirm."
        raise ProblemError(403, detail, code="other_client")
    done = await erase(services.database, erasure.client_id, more=services.owned)
    await forget(services, erasure.client_id, done.keys)
    return Erased(jobs=done.jobs, erased_at=done.at)


def _is_end(line: str) -> bool:
    return line.startswith('{"rows"')
