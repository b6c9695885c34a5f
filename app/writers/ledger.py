"""The ledger of paid calls (E07, M02): money is reserved before a call and settled after it, in Postgres.

It alone says what a day's calls cost: the budget, the view daily_costs and the figures of spending come from it. A
day's total is one row, so calls that are reserved at the same moment cannot pass the limit together. An unsettled call
is also the lock on its text: the same text is not paid for a second time meanwhile. What a process that died had
reserved is settled as spent when the call must be over.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

import structlog
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import Database, DatabaseUnavailable
from app.domain import Ticket
from app.telemetry.metrics import COST, TOKENS
from app.writers.base import CallContext, Tokens, WriterError

_LOG = structlog.get_logger("app.ledger")
# Beyond the time limit of a call, for what comes before and after it.
SPARE_SECONDS = 5.0
# How often a process looks for calls that must be over and were never settled.
TIDY_SECONDS = 30.0
SETTLE_SECONDS = 1.0
NOTHING = Tokens(0, 0)


class CallKind(StrEnum):
    """Kind of a call: alone, or in a provider's batch."""

    SYNC = "sync"
    BATCH = "batch"


@dataclass(frozen=True)
class Call:
    """A call that is about to be paid for; `reserved_usd` is the most it can cost, `seconds` the longest it takes."""

    key: str
    provider: str
    model: str
    kind: CallKind
    reserved_usd: float
    seconds: float
    context: CallContext
    id: int = 0


class TextInFlightError(Exception):
    """Another call pays for the same text at this moment."""


class Ledger:
    """Reserves and settles."""

    def __init__(self, database: Database, per_day_usd: float) -> None:
        self._database = database
        self._per_day = per_day_usd
        self._tidy_at = 0.0
        self._settling: set[asyncio.Task[None]] = set()

    async def reserve(self, call: Call) -> Call:
        """The call with its number. Raises TextInFlightError, and WriterError when there is no money for it."""
        try:
            if time.monotonic() >= self._tidy_at:
                self._tidy_at = time.monotonic() + TIDY_SECONDS
                await self._abandon()
            try:
                return await self._reserve(call)
            except TextInFlightError:
                if not await self._abandon():
                    raise
            return await self._reserve(call)
        except DatabaseUnavailable as error:
            raise WriterError("ledger_unavailable", f"the call could not be reserved: {error}") from error

    async def _reserve(self, call: Call) -> Call:
        async with self._database.write() as connection:
            made = (await connection.execute(_RESERVE, _columns(call))).scalar_one_or_none()
            if made is None:
                raise TextInFlightError
            money = {"reserved": call.reserved_usd, "limit": self._per_day}
            if (await connection.execute(_COMMIT_MONEY, money)).scalar_one_or_none() is None:
                kind = await self._reason(connection, call)
                raise WriterError(kind, f"{call.reserved_usd} USD more would be over {self._per_day} USD a day")
        return replace(call, id=int(made))

    async def _abandon(self) -> int:
        """Settle what must be over, at its reserve."""
        async with self._database.write() as connection:
            rows = (await connection.execute(_ABANDON)).all()
        return _note(rows)

    async def settle(self, call: Call, outcome: str, tokens: Tokens, cost_usd: float) -> None:
        """Record a call's cost. While the database is away this goes on by itself, and the answer need not wait."""
        task = asyncio.create_task(self._settle_call(call, outcome, tokens, cost_usd))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        await asyncio.wait({task}, timeout=SETTLE_SECONDS)

    async def close(self) -> None:
        """Wait for what is being settled; what cannot be is counted at its reserve."""
        if self._settling:
            await asyncio.wait(self._settling, timeout=SPARE_SECONDS)

    async def _settle_call(self, call: Call, outcome: str, tokens: Tokens, cost_usd: float) -> None:
        while True:
            try:
                await self._settle(_SETTLE_CALL, {"id": call.id}, outcome, tokens, cost_usd)
                return
            except DatabaseUnavailable as error:
                _LOG.warning("call not settled yet", call=call.id, error=str(error))
            await asyncio.sleep(SETTLE_SECONDS)

    async def settle_item(self, key: str, ticket: Ticket, outcome: str, tokens: Tokens, cost_usd: float | None) -> bool:
        """Record the cost of one text of a batch; None is the whole reserve. False when it was settled before.

        Raises DatabaseUnavailable.
        """
        place: dict[str, object] = {"key": key, "batch": ticket.batch, "item": ticket.item}
        return await self._settle(_SETTLE_ITEM, place, outcome, tokens, cost_usd)

    async def handed_in(self, calls: Sequence[Call], batch: str, seconds: float) -> None:
        """The calls are items of a batch now, which may take so long. Raises DatabaseUnavailable."""
        rows = {"ids": [call.id for call in calls], "batch": batch, "seconds": seconds}
        async with self._database.write() as connection:
            await connection.execute(_HANDED_IN, rows)

    async def ticket(self, key: str) -> Ticket | None:
        """Ticket of a text that was ordered and is not settled yet. Raises WriterError."""
        try:
            async with self._database.read(fresh=True) as connection:
                row = (await connection.execute(_TICKET, {"key": key})).one_or_none()
        except DatabaseUnavailable as error:
            raise WriterError("ledger_unavailable", f"orders could not be read: {error}") from error
        if row is None:
            return None
        return Ticket(provider=row.provider, model=row.model, batch=row.batch, item=row.item, given_at=row.reserved_at)

    async def _reason(self, connection: AsyncConnection, call: Call) -> str:
        """Money that is set aside may come back today, spent money does not."""
        open_usd = float((await connection.execute(_OPEN)).scalar_one())
        committed = float((await connection.execute(_COMMITTED)).scalar_one_or_none() or 0)
        # The call itself is among the open ones.
        spent = committed - (open_usd - call.reserved_usd)
        return "budget_reserved" if spent + call.reserved_usd <= self._per_day else "daily_budget"

    async def _settle(
        self, statement: str, place: dict[str, object], outcome: str, tokens: Tokens, cost_usd: float | None
    ) -> bool:
        values = {**asdict(tokens), "outcome": outcome, "cost": cost_usd, **place}
        async with self._database.write() as connection:
            rows = (await connection.execute(text(statement), values)).all()
        return _note(rows) > 0


def _note(rows: "Sequence[Row[tuple[object, ...]]]") -> int:
    """Metrics of settled calls of any process: each is counted where it is settled, so once."""
    for row in rows:
        COST.labels(row.model).inc(float(row.cost_usd))
        for direction in ("input", "output", "thought", "cached"):
            TOKENS.labels(row.model, direction).inc(getattr(row, f"{direction}_tokens"))
        if row.outcome == "abandoned":
            _LOG.warning("call never settled, counted as spent", call=row.id, model=row.model, cost=row.cost_usd)
    return len(rows)


def _columns(call: Call) -> dict[str, object]:
    whose = {"job": call.context.job_id, "attempt": call.context.attempt, "client": call.context.client_id}
    what = {"key": call.key, "provider": call.provider, "model": call.model, "kind": call.kind}
    return {**whose, **what, "reserved": call.reserved_usd, "seconds": call.seconds + SPARE_SECONDS}


_TODAY = "(now() AT TIME ZONE 'UTC')::date"
_SETTLED = "id, model, outcome, input_tokens, output_tokens, thought_tokens, cached_tokens, cost_usd, reserved_usd, day"
# The day's total is corrected in the same statement, so that it always is the sum over the day's calls.
_CORRECTED = (
    ", corrected AS (UPDATE llm_days SET committed_usd = committed_usd + change.usd FROM"
    " (SELECT day, sum(cost_usd - reserved_usd) AS usd FROM settled GROUP BY day) AS change"
    " WHERE llm_days.day = change.day) SELECT * FROM settled"
)
_SETTLE = (
    "WITH settled AS (UPDATE llm_calls SET settled_at = now(), outcome = :outcome, input_tokens = :input,"
    " output_tokens = :output, thought_tokens = :thought, cached_tokens = :cached,"
    " cost_usd = coalesce(cast(:cost AS numeric), reserved_usd) WHERE settled_at IS NULL AND {place}"
    f" RETURNING {_SETTLED}){_CORRECTED}"
)
_SETTLE_CALL = _SETTLE.format(place="id = :id")
_SETTLE_ITEM = _SETTLE.format(place="text_key = :key AND batch = :batch AND item = :item")
_ABANDON = text(
    "UPDATE llm_calls SET settled_at = now(), outcome = 'abandoned', cost_usd = reserved_usd WHERE id IN"
    " (SELECT id FROM llm_calls WHERE settled_at IS NULL AND expires_at < now() FOR UPDATE SKIP LOCKED)"
    f" RETURNING {_SETTLED}"
)
_RESERVE = text(
    "INSERT INTO llm_calls (text_key, job_id, attempt, client_id, provider, model, kind, reserved_usd, expires_at)"
    " VALUES (:key, :job, :attempt, :client, :provider, :model, :kind, :reserved,"
    " now() + make_interval(secs => :seconds))"
    " ON CONFLICT (text_key) WHERE settled_at IS NULL DO NOTHING RETURNING id"
)
_COMMIT_MONEY = text(
    f"INSERT INTO llm_days AS today (day, committed_usd) SELECT {_TODAY}, cast(:reserved AS numeric(12, 6))"
    " WHERE cast(:reserved AS numeric(12, 6)) <= cast(:limit AS numeric) ON CONFLICT (day) DO UPDATE"
    " SET committed_usd = today.committed_usd + excluded.committed_usd"
    " WHERE today.committed_usd + excluded.committed_usd <= cast(:limit AS numeric) RETURNING committed_usd"
)
_COMMITTED = text(f"SELECT committed_usd FROM llm_days WHERE day = {_TODAY}")
_OPEN = text(f"SELECT coalesce(sum(reserved_usd), 0) FROM llm_calls WHERE settled_at IS NULL AND day = {_TODAY}")
_HANDED_IN = text(
    "UPDATE llm_calls SET batch = :batch, item = place.item, expires_at = now() + make_interval(secs => :seconds)"
    " FROM (SELECT id, (ordinality - 1)::text AS item"
    " FROM unnest(cast(:ids AS bigint[])) WITH ORDINALITY AS named (id)) AS place"
    " WHERE llm_calls.id = place.id AND settled_at IS NULL"
)
_TICKET = text(
    "SELECT provider, model, batch, item, reserved_at FROM llm_calls"
    " WHERE text_key = :key AND settled_at IS NULL AND batch IS NOT NULL"
)
