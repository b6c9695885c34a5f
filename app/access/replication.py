"""Identity in every region: keys, revocations and erasures are read from the other regions every second.

Each region writes its own and takes in what the others have: keys are never changed in two ways at once (a revocation
stays, a tier is the latest), so the order of arrival does not matter, and a region that was away catches up by itself.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.access.tiers import Tier
from app.database import DatabaseUnavailable
from app.privacy import erase, forget
from app.regions import RegionUnreachable
from app.services import Services

PATH: Final = "/internal/identity"
EVERY_SECONDS: Final = 1.0
OVERLAP: Final = timedelta(seconds=60)
"""A row carries the time at which its transaction began, and is visible when it ended."""
LARGEST: Final = 1000
"""Rows of each kind in one answer, and those of the same moment; a region that is far behind asks again."""
_LOG = structlog.get_logger("app.replication")


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class KeyRow(_Row):
    """A key as regions exchange it; the secret itself is nowhere."""

    id: str
    key_hash: str
    client_id: str
    name: str
    tier: Tier
    created_at: datetime
    changed_at: datetime
    tier_event_at: datetime | None
    revoked_at: datetime | None


class RevocationRow(_Row):
    """A revocation."""

    id: str
    revoked_at: datetime
    expires_at: datetime


class ErasureRow(_Row):
    """A client that wanted to be forgotten."""

    client_id: str
    erased_at: datetime


class Changes(_Row):
    """Changes in a region after a moment, and the moment of its clock up to which they are complete."""

    until: datetime
    keys: tuple[KeyRow, ...] = ()
    revocations: tuple[RevocationRow, ...] = ()
    erasures: tuple[ErasureRow, ...] = ()


async def changes(connection: AsyncConnection, since: datetime) -> Changes:
    """Changes in this region. Where there is more than fits, ``until`` is where it stopped."""
    now = (await connection.execute(text("SELECT now()"))).scalar_one()
    values = {"since": since, "most": LARGEST}
    keys = [KeyRow.model_validate(row) for row in await connection.execute(_KEYS, values)]
    revoked = [RevocationRow.model_validate(row) for row in await connection.execute(_REVOCATIONS, values)]
    erased = [ErasureRow.model_validate(row) for row in await connection.execute(_ERASURES, values)]
    stopped = [keys[-1].changed_at] if len(keys) >= LARGEST else []
    stopped += [revoked[-1].revoked_at] if len(revoked) >= LARGEST else []
    stopped += [erased[-1].erased_at] if len(erased) >= LARGEST else []
    until = min(stopped, default=now - OVERLAP)
    return Changes(until=until, keys=tuple(keys), revocations=tuple(revoked), erasures=tuple(erased))


async def take_in(connection: AsyncConnection, told: Changes) -> Sequence[str]:
    """Store keys and revocations of another region. Returns the ids of keys that are new here or changed."""
    if told.revocations:
        await connection.execute(_TAKE_REVOCATIONS, [row.model_dump() for row in told.revocations])
    changed: list[str] = []
    for key in told.keys:
        # The key of a client that was erased here since must not come back.
        row = {**key.model_dump(), "key_hash": bytes.fromhex(key.key_hash), "tier": key.tier.value}
        changed += (await connection.execute(_TAKE_KEY, row)).scalars().all()
    return changed


class Replication:
    """Reads the other regions, one process of a region at a time."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._database = services.database
        self._regions = services.regions

    async def follow(self) -> None:
        """Read every region until cancelled; one that does not answer holds up no other."""
        async with asyncio.TaskGroup() as group:
            for region in self._regions.others:
                group.create_task(self._follow(region))

    async def _follow(self, region: str) -> None:
        reachable = True
        while True:
            try:
                await self.read(region)
                reachable = True
            except (RegionUnreachable, DatabaseUnavailable) as error:
                if reachable:
                    _LOG.warning("identity of another region is not read", region=region, error=str(error))
                reachable = False
            await asyncio.sleep(EVERY_SECONDS)

    async def read(self, region: str) -> int:
        """Ask one region what is new, unless another process of ours just did. Returns the number of changed keys."""
        async with self._database.write() as connection:
            await connection.execute(_KNOW_PEER, {"region": region})
            since = (await connection.execute(_TAKE_TURN, {"region": region, "pause": timedelta(seconds=0.9)})).scalar()
        if since is None:
            return 0
        body = await self._regions.identity(region, PATH, {"since": since.isoformat()})
        told = Changes.model_validate_json(body)
        async with self._database.write() as connection:
            changed = await take_in(connection, told)
            clients = [one.client_id for one in told.erasures]
            known = (await connection.execute(_KNOWN_ERASURES, {"clients": clients})).all()
        self._services.watch.revocations.add(*(row.id for row in told.revocations))
        await self._services.cache.invalidate(*(f"key:{key}" for key in changed))
        erased_at = {row.client_id: row.erased_at for row in known}
        for one in told.erasures:
            if one.client_id not in erased_at or erased_at[one.client_id] < one.erased_at:
                done = await erase(self._database, one.client_id, one.erased_at)
                await forget(self._services, one.client_id, done.keys)
        # Last: what was not done to its end is read again.
        async with self._database.write() as connection:
            await connection.execute(_READ_UNTIL, {"region": region, "until": told.until})
        return len(changed)


_KEYS = text(
    "SELECT id, encode(key_hash, 'hex') AS key_hash, client_id, name, tier, created_at, changed_at, tier_event_at,"
    " revoked_at FROM api_keys WHERE changed_at > :since ORDER BY changed_at FETCH FIRST :most ROWS WITH TIES"
)
_REVOCATIONS = text(
    "SELECT id, revoked_at, expires_at FROM revocations WHERE revoked_at > :since AND expires_at > now()"
    " ORDER BY revoked_at FETCH FIRST :most ROWS WITH TIES"
)
_ERASURES = text(
    "SELECT client_id, erased_at FROM erasures WHERE erased_at > :since"
    " ORDER BY erased_at FETCH FIRST :most ROWS WITH TIES"
)
_KNOWN_ERASURES = text("SELECT client_id, erased_at FROM erasures WHERE client_id = ANY(:clients)")
# Every process of this region reads revocations by the time they came here.
_TAKE_REVOCATIONS = text(
    "INSERT INTO revocations (id, revoked_at, expires_at) VALUES (:id, now(), :expires_at) ON CONFLICT (id) DO NOTHING"
)
_TAKE_KEY = text(
    "INSERT INTO api_keys AS mine"
    " (id, key_hash, client_id, name, tier, created_at, changed_at, tier_event_at, revoked_at)"
    " SELECT :id, :key_hash, :client_id, :name, :tier, :created_at, :changed_at, :tier_event_at, :revoked_at"
    " WHERE NOT EXISTS (SELECT FROM erasures WHERE client_id = :client_id AND erased_at >= :created_at)"
    " ON CONFLICT (id) DO UPDATE SET"
    " tier = CASE WHEN excluded.tier_event_at > coalesce(mine.tier_event_at, 'epoch')"
    " THEN excluded.tier ELSE mine.tier END,"
    " tier_event_at = greatest(mine.tier_event_at, excluded.tier_event_at),"
    " revoked_at = least(mine.revoked_at, excluded.revoked_at),"
    " changed_at = greatest(mine.changed_at, excluded.changed_at)"
    " WHERE excluded.changed_at > mine.changed_at OR (mine.revoked_at IS NULL AND excluded.revoked_at IS NOT NULL)"
    " RETURNING id"
)
_KNOW_PEER = text("INSERT INTO identity_peers (region) VALUES (:region) ON CONFLICT (region) DO NOTHING")
_TAKE_TURN = text(
    "UPDATE identity_peers SET asked_at = clock_timestamp()"
    " WHERE region = :region AND asked_at < clock_timestamp() - cast(:pause AS interval) RETURNING read_until"
)
_READ_UNTIL = text("UPDATE identity_peers SET read_until = :until WHERE region = :region")
