"""Administration (D02, C01, L04): only from listed addresses, with the administrator's token."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import text
from starlette.responses import Response

from app.access.keys import ApiKey
from app.access.tiers import Tier
from app.api.dependencies import Administrator, ServicesNow
from app.api.problems import ProblemError, documented
from app.domain import ClientId, Strict
from app.queue import ENTRYPOINT, state
from app.switches import Flag, Mode

router = APIRouter(prefix="/admin", tags=["administration"], dependencies=[Administrator])
ERRORS = documented(400, 401, 403, 404, 422, 429, 503)
CLEARED_AT_ONCE = 1000
_CLEAR = text(
    "DELETE FROM jobs WHERE (id, created_at) IN"
    " (SELECT id, created_at FROM jobs WHERE status = 'failed' LIMIT :most)"
    " RETURNING coalesce(owner, '~' || client_id)"
)
FlagName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]


class QueueView(Strict):
    """The queue now."""

    name: str
    waiting: int = Field(ge=0, description="Jobs that could begin now.")
    in_batches: int = Field(ge=0, description="Jobs whose text a provider's batch will bring.")
    running: int = Field(ge=0)
    oldest_seconds: float = Field(ge=0)
    failed: int = Field(ge=0, description="Dead letters kept.")
    workers: int = Field(ge=0, description="Jobs at once over all workers; 0 is no limit beyond the workers' own.")


class Workers(Strict):
    """A new limit."""

    workers: int = Field(ge=0, le=1000, examples=[8])


class Cleared(Strict):
    """Number of dead letters that were deleted."""

    cleared: int = Field(ge=0)


class NewKey(Strict):
    """Client, name and tier of a new API key."""

    client_id: ClientId
    name: str = Field("", max_length=100)
    tier: Tier = Tier.FREE


class CreatedKey(Strict):
    """A key and, this once, its secret text."""

    key: ApiKey
    secret: str


class FlagChange(Strict):
    """A flag's new setting."""

    enabled: bool
    percent: float = Field(100, ge=0, le=100)


class ModeView(Strict):
    """The mode in force."""

    mode: Mode


@router.get("/queue", response_model=QueueView, responses=ERRORS)
async def queue(services: ServicesNow) -> QueueView:
    """Queue statistics."""
    async with services.database.read(fresh=True) as connection:
        now = await state(connection)
        failed = (await connection.execute(text("SELECT count(*) FROM jobs WHERE status = 'failed'"))).scalar_one()
    workers = services.switchboard.now.queue_workers
    return QueueView(
        name=ENTRYPOINT,
        waiting=now.waiting,
        in_batches=now.in_batches,
        running=now.running,
        oldest_seconds=now.oldest_seconds,
        failed=failed,
        workers=workers,
    )


@router.put("/queues/{name}/workers", response_model=Workers, responses=ERRORS)
async def scale(name: Annotated[str, Path(max_length=60)], change: Workers, services: ServicesNow) -> Workers:
    """Set the number of a queue's jobs that may run at once, over all workers."""
    if name != ENTRYPOINT:
        raise ProblemError(404, f"There is no queue '{name[:60]}'; there is '{ENTRYPOINT}'.")
    await services.switchboard.set_queue_workers(change.workers)
    return change


@router.delete("/jobs/failed", response_model=Cleared, responses=ERRORS)
async def clear_failed(services: ServicesNow) -> Cleared:
    """Delete the dead letters, some at a time: each statement is short, and what was deleted stays so."""
    cleared = 0
    while True:
        async with services.database.write() as connection:
            owners = (await connection.execute(_CLEAR, {"most": CLEARED_AT_ONCE})).scalars().all()
        cleared += len(owners)
        await services.lists.changed(*set(owners))
        if len(owners) < CLEARED_AT_ONCE:
            return Cleared(cleared=cleared)


@router.get("/keys", response_model=list[ApiKey], responses=ERRORS)
async def list_keys(services: ServicesNow, client_id: Annotated[ClientId | None, Query()] = None) -> list[ApiKey]:
    """API keys, without their secrets."""
    return list(await services.keys.list(client_id))


@router.post("/keys", status_code=201, response_model=CreatedKey, responses=ERRORS)
async def create_key(new: NewKey, services: ServicesNow) -> CreatedKey:
    """A new API key; the secret is shown this once."""
    key, secret = await services.keys.create(new.client_id, new.name, new.tier)
    return CreatedKey(key=key, secret=secret)


@router.delete("/keys/{key_id}", status_code=204, responses=ERRORS)
async def revoke_key(key_id: Annotated[str, Path(pattern=r"^[a-z0-9]{12}$")], services: ServicesNow) -> Response:
    """Refuse a key from now on."""
    if not await services.keys.revoke(key_id):
        raise ProblemError(404, "There is no such key in force.")
    return Response(status_code=204)


@router.get("/flags", response_model=list[Flag], responses=ERRORS)
async def list_flags(services: ServicesNow) -> list[Flag]:
    """Feature flags."""
    return list((await services.switchboard.refresh()).flags.values())


@router.put("/flags/{name}", response_model=Flag, responses=ERRORS)
async def set_flag(name: FlagName, change: FlagChange, services: ServicesNow) -> Flag:
    """Create or change a flag; in force everywhere within two seconds."""
    return await services.switchboard.set_flag(name, enabled=change.enabled, percent=change.percent)


@router.put("/mode", response_model=ModeView, responses=ERRORS)
async def set_mode(change: ModeView, services: ServicesNow) -> ModeView:
    """normal, read_only or maintenance; in force everywhere within two seconds."""
    await services.switchboard.set_mode(change.mode)
    return change


@router.delete("/cache", status_code=204, responses=ERRORS)
async def invalidate(
    services: ServicesNow, pattern: Annotated[str, Query(min_length=1, max_length=200, examples=["jobs:*"])]
) -> Response:
    """Forget cached values by pattern, in every process."""
    await services.cache.invalidate(pattern)
    return Response(status_code=204)
