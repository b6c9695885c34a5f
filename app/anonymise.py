"""`python -m app anonymise`: a copy of production's data without its clients' identities (S08, W05).

The same name becomes the same made-up one everywhere, so that counts and relations stay; by a salt that is forgotten at
the end, so that names cannot be found by trying. Texts become one text of their kind.
"""

import secrets

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, ColumnElement, case, func, literal, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalogue import tables
from app.database import Database
from app.domain import Assignment, ContentType, JobStatus
from app.jobs import OPEN
from app.process_settings import Environment
from app.settings import Settings
from app.tables import api_keys, jobs
from app.time_limits import Task
from app.writers.embedded import compose

SECTIONS = 3
TOPIC = "A text that replaces another"
DIGITS = 12

EMPTIED = (
    *("idempotency_keys", "pgqueuer", "pgqueuer_log", "llm_calls", "llm_days"),
    *("activity", "alerts", "erasures", "leases", "revocations", "identity_peers"),
)
"""Tables that an anonymous copy does not need at all."""
OF_BLOG_AI = ("pictures", "stripe_events", "stripe_subscriptions")
"""The same in a database of blog-ai, which has content generation's tables too."""


class AnonymisingRefused(Exception):
    """In production the data is the real one, and would be lost."""


class Anonymised(BaseModel):
    """Number of jobs and keys that were anonymised."""

    model_config = ConfigDict(frozen=True)

    jobs: int
    api_keys: int
    dry_run: bool


async def anonymise(settings: Settings, *, dry_run: bool = False) -> Anonymised:
    """Replace in one transaction, then rewrite the tables, so that no old version stays in their files.

    What was waiting is cancelled and taken out of the queue: a copy does not do production's work again. Raises
    AnonymisingRefused.
    """
    if settings.environment is Environment.PROD:
        raise AnonymisingRefused("ENVIRONMENT is 'prod': only a copy of its data is anonymised, in staging")
    async with Database(settings, task=Task.ANONYMISE) as database:
        async with database.write() as connection:
            done = Anonymised(
                jobs=await _count(connection, "jobs"), api_keys=await _count(connection, "api_keys"), dry_run=dry_run
            )
            if not dry_run:
                await _replace(connection)
        if not dry_run:
            await _rewrite(database)
        return done


async def _count(connection: AsyncConnection, table: str) -> int:
    return int((await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())  # noqa: S608


async def _replace(connection: AsyncConnection) -> None:
    salt = secrets.token_hex(32)
    there = await tables(connection)
    for table in (*EMPTIED, *(one for one in OF_BLOG_AI if one in there)):
        await connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    await connection.execute(update(jobs).values(_jobs(salt)))
    # A hash of nothing that anybody holds: no key of production opens the copy.
    own = api_keys.c
    kept = {"id": _hashed(salt, own.id), "key_hash": _digest(salt, own.id), "name": "replaced"}
    await connection.execute(update(api_keys).values(client_id=_client(salt, own.client_id), **kept))


def _jobs(salt: str) -> dict[str, object]:
    own = jobs.c
    texts = {kind.value: compose(_assignment(kind), SECTIONS).model_dump(mode="json") for kind in ContentType}
    text_of_kind = case(*((own.content_type == kind, literal(made, JSONB)) for kind, made in texts.items()))
    return {
        "client_id": _client(salt, own.client_id),
        "owner": _client(salt, own.owner),
        "topic": literal("Topic ") + _hashed(salt, own.topic),
        "keywords": [],
        "content": case((own.content.is_not(None), text_of_kind)),
        "error": case((own.error.is_not(None), "replaced")),
        "request_id": None,
        "trace_parent": None,
        "ticket": None,
        "finished_at": func.coalesce(own.finished_at, func.now()),
        "status": case((own.status.in_(OPEN), JobStatus.CANCELLED.value), else_=own.status),
    }


async def _rewrite(database: Database) -> None:
    async with database.writer.connect() as connection:
        outside = await connection.execution_options(isolation_level="AUTOCOMMIT")
        for table in await tables(outside):
            await outside.execute(text(f"VACUUM FULL {table}"))


def _assignment(kind: ContentType) -> Assignment:
    return Assignment(topic=TOPIC, content_type=kind)


def _client(salt: str, name: Column[str]) -> ColumnElement[str]:
    """Owner and client are compared with each other, so they are made up alike."""
    return literal("client-") + _hashed(salt, name)


def _hashed(salt: str, value: Column[str]) -> ColumnElement[str]:
    return func.left(func.encode(_digest(salt, value), "hex"), DIGITS)


def _digest(salt: str, value: Column[str]) -> ColumnElement[bytes]:
    return func.sha256(func.convert_to(literal(salt) + value, "UTF8"))
