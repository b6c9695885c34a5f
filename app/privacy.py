"""A client's right to see and to erase what is stored about it (X03). Logs and backups age out by themselves."""

from collections.abc import AsyncIterator

from sqlalchemy import delete, text

from app.database import Database
from app.ids import JobId
from app.jobs import Job, JobStore
from app.tables import idempotency_keys, jobs

BATCH = 200


async def export(store: JobStore, client_id: str) -> AsyncIterator[Job]:
    """Every job of a client, newest first."""
    before: JobId | None = None
    while True:
        batch = await store.page(client_id, client_id, BATCH, before)
        for job in batch:
            yield job
        if len(batch) < BATCH:
            return
        before = batch[-1].id


async def erase(database: Database, client_id: str) -> int:
    """Delete a client's jobs, what waits in the queue for it, and its idempotency keys. Returns the number of jobs."""
    async with database.write() as connection:
        await connection.execute(_DEQUEUE, {"client": client_id})
        erased = await connection.execute(delete(jobs).where(jobs.c.owner == client_id))
        await connection.execute(delete(idempotency_keys).where(idempotency_keys.c.owner == client_id))
    return erased.rowcount


_DEQUEUE = text("DELETE FROM pgqueuer WHERE dedupe_key IN (SELECT id FROM jobs WHERE owner = :client)")
