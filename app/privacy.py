"""A client's right to see and to erase what is stored about it (X03). Logs and backups age out by themselves.

Both read and delete page by page along an index, so that memory, locks and statements stay small whatever there is.
Texts in the cache that im shares between clients age out with LLM_CACHE_SECONDS.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Table,
    and_,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert

from app.access.owners import guest
from app.access.revocations import key_name, revoke
from app.database import Database
from app.limits import EXPORT_ROWS
from app.services import Services
from app.tables import api_keys, erasures, jobs, metadata

BATCH = 1000


@dataclass(frozen=True)
class Erased:
    """Number of a client's rows that were deleted, the time by the database's clock, and the ids of the keys among
    them.
    """

    jobs: int
    others: int
    at: datetime
    keys: tuple[str, ...] = ()


def _of_guests(client_id: str) -> ColumnElement[bool]:
    """Jobs under a client's name that were accepted without a key."""
    return and_(jobs.c.client_id == client_id, or_(jobs.c.owner.is_(None), jobs.c.owner == guest(client_id)))


def _others(client_id: str, more: Sequence[Table]) -> Mapping[Table, ColumnElement[bool]]:
    """Every table but jobs that says whose its rows are, and which of them are this client's; ``more`` are a product's
    own, by ``client_id``.
    """
    names = (client_id, guest(client_id), f"client:{client_id}")  # the last as release 0.1.0 called guests
    owned = (table for table in metadata.sorted_tables if "owner" in table.c and table is not jobs)
    # Keys come last: an erasure that is interrupted can be repeated by them.
    theirs = {table: table.c.client_id == client_id for table in (*more, api_keys)}
    return {**{table: table.c.owner.in_(names) for table in owned}, **theirs}


async def export(database: Database, client_id: str, more: Sequence[Table] = ()) -> AsyncIterator[str]:
    """Everything about a client from the primary, a line of JSON each: {"table": ..., "row": {...}}.

    The last line is {"rows": N}: an export without it broke off. Hashes are left out. Raises DatabaseUnavailable.
    """
    parts = [(jobs, jobs.c.owner == client_id), (jobs, _of_guests(client_id)), *_others(client_id, more).items()]
    rows = 0
    for table, condition in parts:
        async for row in _rows(database, table, condition):
            rows += 1
            yield f'{{"table":"{table.name}","row":{row}}}\n'
    yield f"{json.dumps({'rows': rows})}\n"


async def _rows(database: Database, table: Table, condition: ColumnElement[bool]) -> AsyncIterator[str]:
    """A table's rows as JSON, in the order of an index; each page is a question of its own."""
    # The indexes on jobs end with created_at; other tables are small, or have their key.
    key = (jobs.c.created_at, jobs.c.id) if table is jobs else tuple(table.primary_key)
    hashes = ",".join(column.name for column in table.c if isinstance(column.type, LargeBinary))
    row = literal_column(f"(to_jsonb({table.name}) - '{{{hashes}}}'::text[])::text").label("json")
    ordered = select(row, *key).where(condition).order_by(*key).limit(EXPORT_ROWS)
    page, found = ordered, None
    while found is None or len(found) == EXPORT_ROWS:
        async with database.read(fresh=True) as connection:
            found = (await connection.execute(page)).all()
        for one in found:
            yield one.json
        if found:
            after = found[-1][1:]
            # The second condition says no more than the first, but partitions are left out by it.
            page = ordered.where(tuple_(*key) > tuple_(*map(literal, after)), key[0] >= after[0])


async def erase(
    database: Database, client_id: str, until: datetime | None = None, more: Sequence[Table] = ()
) -> Erased:
    """Delete everything about a client that was there at a moment (now unless one is given), end its sessions, and note
    that it was, so that a restored backup and the other regions forget it too.

    Batch by batch: one that is interrupted may be repeated. A job goes before its place in the queue, as everywhere.
    Raises DatabaseUnavailable.
    """
    noted = insert(erasures).values(client_id=client_id, erased_at=func.coalesce(until, func.now()))
    later = func.greatest(erasures.c.erased_at, noted.excluded.erased_at)
    again = noted.on_conflict_do_update(index_elements=["client_id"], set_={"erased_at": later})
    async with database.write() as connection:
        moment: datetime = (await connection.execute(again.returning(erasures.c.erased_at))).scalar_one()
        known = select(api_keys.c.id).where(api_keys.c.client_id == client_id, api_keys.c.created_at <= moment)
        keys = tuple(str(key) for key in (await connection.execute(known)).scalars())
        await revoke(connection, map(key_name, keys))
        await connection.execute(_FORGET_CALLS, {"client": client_id})
    deleted = 0
    for condition in (jobs.c.owner == client_id, _of_guests(client_id)):
        while batch := await _erase_batch(database, and_(condition, jobs.c.created_at <= moment)):
            deleted += batch
    others = 0
    for table, own in _others(client_id, more).items():
        there = table.c.created_at <= moment if "created_at" in table.c else true()
        while gone := await _erase_rows(database, table, and_(own, there)):
            others += gone
    return Erased(deleted, others, moment, keys)


async def forget(services: Services, client_id: str, keys: Sequence[str]) -> None:
    """Remove an erased client from this process and from the caches."""
    services.watch.revocations.add(*map(key_name, keys))
    await services.lists.changed(client_id, guest(client_id))
    await services.cache.invalidate(*(f"key:{key}" for key in keys))


async def _erase_rows(database: Database, table: Table, condition: ColumnElement[bool]) -> int:
    key = tuple(table.primary_key)
    some = tuple_(*key).in_(select(*key).where(condition).limit(BATCH))
    async with database.write() as connection:
        return (await connection.execute(delete(table).where(some))).rowcount


async def _erase_batch(database: Database, condition: ColumnElement[bool]) -> int:
    chosen = select(jobs.c.id, jobs.c.created_at).where(condition).order_by(jobs.c.created_at).limit(BATCH)
    async with database.write() as connection:
        rows = (await connection.execute(chosen)).all()
        if rows:
            names = [row.id for row in rows]
            found = {"names": names, "first": rows[0].created_at, "last": rows[-1].created_at}
            await connection.execute(_ERASE, found)
            await connection.execute(_DEQUEUE, {"names": names})
    return len(rows)


# What was paid stays in the ledger, for whom does not.
_FORGET_CALLS = text("UPDATE llm_calls SET client_id = NULL, job_id = NULL WHERE client_id = :client")
_ERASE = text("DELETE FROM jobs WHERE id = ANY(:names) AND created_at BETWEEN :first AND :last")
_DEQUEUE = text("DELETE FROM pgqueuer WHERE dedupe_key = ANY(:names)")


async def erased_since(database: Database, moment: datetime) -> list[str]:
    """The clients that were erased after a moment; none where the database is older than the record of erasures."""
    async with database.read(fresh=True) as connection:
        known = (await connection.execute(text("SELECT to_regclass('erasures')"))).scalar()
        if known is None:
            return []
        rows = await connection.execute(select(erasures.c.client_id).where(erasures.c.erased_at >= moment))
        return [str(row.client_id) for row in rows]
