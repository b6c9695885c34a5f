"""Acceptance of jobs: row, idempotency key and place in the queue commit together, many requests in one transaction.

Requests share commits (app.batch), so the price of a durable commit is paid once for many of them. A request is
answered after its own commit (A04).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.batch import Batcher, sharing_commits
from app.database import Database
from app.domain import GenerationRequest
from app.ids import JobId
from app.lists import JobLists
from app.queue import enqueue

KEY_LIFE = timedelta(hours=24)


class KeyReused(Exception):
    """The Idempotency-Key was used before with another body."""


class KeyBusy(Exception):
    """A request with the same Idempotency-Key is being handled at this moment."""


@dataclass(frozen=True)
class Submission:
    """A validated request on its way to becoming a job."""

    job: JobId
    request: GenerationRequest
    owner: str
    key: str | None = None
    request_id: str | None = None
    trace_parent: str | None = None

    @property
    def body_hash(self) -> bytes:
        """Hash that defines "the same body": of the validated request, so spelling and order of JSON do not matter.

        `fresh` counts where it is set alone: keys of the release before, which had no such field, go on.
        """
        left_out = None if self.request.fresh else {"fresh"}
        return hashlib.sha256(self.request.model_dump_json(exclude=left_out).encode()).digest()


@dataclass(frozen=True)
class Receipt:
    """The job a request became, or had become before (`replayed`)."""

    job: JobId
    replayed: bool = False


Outcome = Receipt | KeyReused | KeyBusy


class Intake:
    """Accepts jobs."""

    def __init__(self, database: Database, lists: JobLists, expiry_seconds: int) -> None:
        self._database = database
        self._lists = lists
        self._expiry = timedelta(seconds=expiry_seconds)
        self._batcher: Batcher[Submission, Outcome] = sharing_commits(self._commit)
        self._keys: set[tuple[str, str]] = set()

    async def accept(self, submission: Submission) -> Receipt:
        """Store and enqueue one job. Raises KeyReused, KeyBusy, OverloadedError and DatabaseUnavailable (nothing was
        stored then, unless it is an OutcomeUnknown).
        """
        name = (submission.owner, submission.key) if submission.key else None
        if name in self._keys:
            raise KeyBusy
        if name:
            self._keys.add(name)
        try:
            outcome = await self._batcher.ask(submission)
        finally:
            if name:
                self._keys.discard(name)
        if isinstance(outcome, Receipt):
            return outcome
        raise outcome

    async def _commit(self, batch: Sequence[Submission]) -> list[Outcome]:
        async with self._database.write() as connection:
            known = await self._known(connection, [entry for entry in batch if entry.key])
            fresh = [entry for entry in batch if entry.job not in known]
            if fresh:
                await self._insert(connection, fresh)
                await enqueue(connection, [(entry.job, entry.request.priority) for entry in fresh])
        await self._lists.changed(*{entry.owner for entry in fresh})
        return [known.get(entry.job, Receipt(entry.job)) for entry in batch]

    async def _known(self, connection: AsyncConnection, keyed: Sequence[Submission]) -> dict[JobId, Outcome]:
        """The answers for submissions whose key is known or busy; takes the keys of the others."""
        if not keyed:
            return {}
        names = json.dumps([{"owner": entry.owner, "key": entry.key} for entry in keyed])
        locks = await connection.execute(_LOCK_KEYS, {"names": names})
        free = {(row.owner, row.key) for row in locks if row.free}
        found = await connection.execute(_FIND_KEYS, {"names": names, "life": KEY_LIFE})
        rows = {(row.owner, row.key): row for row in found}
        answers: dict[JobId, Outcome] = {}
        taken: list[Submission] = []
        for entry in keyed:
            name = (entry.owner, str(entry.key))
            if name not in free:
                answers[entry.job] = KeyBusy()
            elif name not in rows:
                taken.append(entry)
            elif bytes(rows[name].body_hash) == entry.body_hash:
                answers[entry.job] = Receipt(JobId.parse(rows[name].job_id), replayed=True)
            else:
                answers[entry.job] = KeyReused()
        if taken:
            await connection.execute(_TAKE_KEYS, {"rows": json.dumps([_key_row(entry) for entry in taken])})
        return answers

    async def _insert(self, connection: AsyncConnection, batch: Sequence[Submission]) -> None:
        rows = json.dumps([self._row(entry) for entry in batch])
        await connection.execute(_INSERT, {"rows": rows, "life": self._expiry})

    def _row(self, entry: Submission) -> dict[str, object]:
        request = entry.request
        return {
            "id": str(entry.job),
            "created_at": entry.job.created_at.isoformat(),
            "client_id": request.client_id,
            "owner": entry.owner,
            "topic": request.topic,
            "content_type": request.content_type,
            "keywords": request.keywords,
            "priority": request.priority,
            "fresh": request.fresh,
            "request_id": entry.request_id,
            "trace_parent": entry.trace_parent,
        }


def _key_row(entry: Submission) -> dict[str, object]:
    name = {"owner": entry.owner, "key": entry.key}
    return {**name, "body_hash": entry.body_hash.hex(), "job_id": str(entry.job)}


_COLUMNS = "id, created_at, client_id, owner, topic, content_type, keywords, priority, fresh, request_id, trace_parent"

# When a job expires is the database's clock's business: a wrong clock of ours must not let an accepted job expire.
_INSERT = text(
    f"INSERT INTO jobs ({_COLUMNS}, expires_at) SELECT {_COLUMNS}, now() + cast(:life AS interval)"
    " FROM jsonb_to_recordset(cast(:rows AS jsonb)) AS new"
    " (id text, created_at timestamptz, client_id text, owner text, topic text, content_type text, keywords jsonb,"
    " priority text, fresh boolean, request_id text, trace_parent text)"
)

# The lock lasts until the commit: a second request with the same key finds it taken and is told to try again (409).
_LOCK_KEYS = text(
    "SELECT owner, key, pg_try_advisory_xact_lock(hashtextextended(owner || chr(31) || key, 7)) AS free"
    " FROM jsonb_to_recordset(cast(:names AS jsonb)) AS name (owner text, key text)"
)

# A statement of its own, after the locks: its snapshot then holds what the lock's last owner committed.
_FIND_KEYS = text(
    "SELECT k.owner, k.key, k.body_hash, k.job_id FROM idempotency_keys k"
    " JOIN jsonb_to_recordset(cast(:names AS jsonb)) AS name (owner text, key text)"
    " ON k.owner = name.owner AND k.key = name.key WHERE k.created_at > now() - cast(:life AS interval)"
)

_TAKE_KEYS = text(
    "INSERT INTO idempotency_keys (owner, key, body_hash, job_id)"
    " SELECT owner, key, decode(body_hash, 'hex'), job_id FROM jsonb_to_recordset(cast(:rows AS jsonb)) AS new"
    " (owner text, key text, body_hash text, job_id text) ON CONFLICT (owner, key) DO UPDATE"
    " SET body_hash = excluded.body_hash, job_id = excluded.job_id, created_at = now()"
)
