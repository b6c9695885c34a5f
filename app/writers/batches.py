"""One provider's batches: gathers questions, hands them in together, and picks their texts up (D01).

Nothing of a batch is kept here that another instance of im would need: the ticket says everything, the worker keeps it
with the job, and the ledger has it for who asks for the same text.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from app.batch import Batcher, OverloadedError
from app.database import DatabaseUnavailable
from app.domain import Assignment, Draft, Ticket, Waiting
from app.settings import Settings
from app.telemetry.metrics import BATCH_ITEMS, BATCHES
from app.writers.base import CallContext, Question, Replies, WriterError
from app.writers.ledger import NOTHING, Call, CallKind
from app.writers.paid import PaidProvider
from app.writers.prices import BATCH_SHARE, cost, most
from app.writers.texts import free

_LOG = structlog.get_logger("app.batches")
# Batches whose last look is remembered: one answer serves all jobs that wait for the batch.
REMEMBERED = 16
# Batches that are handed in at once: one that is slow must not keep others waiting.
HAND_INS = 4
# A batch is looked at again after this share of its age, so that a long one is not looked at all the time.
PATIENCE = 0.25
LONGEST_PAUSE_SECONDS = 900.0
# What a provider answers for a batch that it does not have.
_UNKNOWN = (400, 404, 410)


class BatchLostError(WriterError):
    """The batch will not give this text; only asking for it directly will."""

    def __init__(self, message: str) -> None:
        super().__init__("batch_lost", message)


@dataclass
class _Look:
    """State of a batch when it was looked at last; the lock lets one look at a time."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    at: float | None = None
    replies: Replies | None = None
    failure: WriterError | None = None


_Item = tuple[Call, Question]


class Batches:
    """Orders and collects texts at one provider."""

    def __init__(self, provider: PaidProvider, settings: Settings) -> None:
        self.name = provider.name
        self._provider = provider
        self._ledger = provider.ledger
        self._settings = settings
        self._gathering: dict[str, Batcher[_Item, Ticket]] = {}
        self._looks: OrderedDict[str, _Look] = OrderedDict()

    async def order(self, assignment: Assignment, context: CallContext) -> Waiting:
        """Have a text written with those that are asked for at about the same time. Raises WriterError.

        A repeated request, after a lost answer or for the same text, waits for the order that is there.
        """
        question, key = self._provider.question(assignment), self._provider.key(assignment, context)
        window, largest = self._settings.llm_batch_window_seconds, self._settings.llm_batch_largest
        reserved, seconds = most(question, BATCH_SHARE), window + self._provider.call_seconds
        wanted = Call(key, self.name, question.model, CallKind.BATCH, reserved, seconds, context)
        call = await self._provider.reserved_or(wanted, 0.0, lambda: self._ledger.ticket(key))
        if isinstance(call, Ticket):
            return self._waiting(call)
        gathering = self._gathering.get(question.model)
        if gathering is None:
            patience = self._settings.llm_deadline_seconds
            gathering = Batcher(self._hand_in, largest, window=window, at_once=HAND_INS, patience=patience)
            self._gathering[question.model] = gathering
        try:
            return self._waiting(await gathering.ask((call, question)))
        except OverloadedError as error:
            await self._ledger.settle(call, "provider_queue_full", NOTHING, 0.0)
            raise WriterError("provider_queue_full", f"no place in a batch of {self.name}: {error}") from error

    async def collect(self, ticket: Ticket, assignment: Assignment, context: CallContext) -> Draft | Waiting:
        """The text, checked. Raises BatchLostError, and WriterError to ask again."""
        key = self._provider.key(assignment, context)
        try:
            replies = await self._replies(ticket.batch)
        except BatchLostError:
            await self._settle(key, ticket, "batch_lost", None)
            raise
        if replies is None:
            return self._waiting(ticket)
        reply = replies.get(ticket.item)
        if reply is None:
            await self._settle(key, ticket, "batch_lost", 0.0)
            raise BatchLostError(f"batch {ticket.batch} of {ticket.provider} ended without item {ticket.item}")
        dollars = cost(ticket.model, reply.tokens, BATCH_SHARE)
        try:
            draft = self._provider.draft(reply, assignment, ticket.model, dollars)
        except WriterError as error:
            await self._settle(key, ticket, error.kind, dollars, replies)
            raise BatchLostError(str(error)) from error
        first = await self._settle(key, ticket, "written", dollars, replies)
        await self._provider.texts.put(key, draft)
        return draft if first else free(draft)

    def _waiting(self, ticket: Ticket) -> Waiting:
        """Time of the next look, and for how much longer it is worth it."""
        age = max(0.0, (datetime.now(UTC) - ticket.given_at).total_seconds())
        return Waiting(
            ticket=ticket,
            again_seconds=max(self._settings.llm_batch_look_seconds, min(LONGEST_PAUSE_SECONDS, PATIENCE * age)),
            left_seconds=max(0.0, self._settings.llm_batch_deadline_seconds - age),
        )

    async def _hand_in(self, items: Sequence[_Item]) -> list[Ticket]:
        calls, questions = [call for call, _ in items], [question for _, question in items]
        model = questions[0].model
        try:
            batch = await self._provider.breaker.call(lambda: self._submitted(calls[0].context, questions))
        except WriterError as error:
            for call in calls:
                await self._ledger.settle(
                    call, error.kind, NOTHING, call.reserved_usd if error.failure.charged else 0.0
                )
            raise
        try:
            await self._ledger.handed_in(calls, batch, self._settings.llm_batch_deadline_seconds)
        except DatabaseUnavailable as error:
            _LOG.warning("order not noted, it is settled at its reserve", batch=batch, error=str(error))
        BATCHES.labels(self.name).inc()
        BATCH_ITEMS.labels(self.name, "ordered").inc(len(items))
        _LOG.info("batch handed in", provider=self.name, model=model, batch=batch, texts=len(items))
        given = datetime.now(UTC)
        return [
            Ticket(provider=self.name, model=model, batch=batch, item=str(place), given_at=given)
            for place in range(len(items))
        ]

    async def _submitted(self, context: CallContext, questions: Sequence[Question]) -> str:
        await self._provider.turn(context)
        return await self._provider.client.hand_in(questions)

    async def _replies(self, batch: str) -> Replies | None:
        look = self._looks.setdefault(batch, _Look())
        self._looks.move_to_end(batch)
        while len(self._looks) > REMEMBERED:
            self._looks.popitem(last=False)
        async with look.lock:
            fresh = look.at is not None and time.monotonic() - look.at < self._settings.llm_batch_look_seconds
            if look.replies is None and not fresh:
                look.failure = None
                try:
                    look.replies = await self._picked_up(batch)
                except WriterError as error:
                    look.failure = error
                look.at = time.monotonic()
        if look.failure is not None:
            raise look.failure
        return look.replies

    async def _picked_up(self, batch: str) -> Replies | None:
        try:
            return await self._provider.client.pick_up(batch)
        except WriterError as error:
            if error.kind == "provider_malformed" or error.status in _UNKNOWN:
                raise BatchLostError(f"{self.name} has no batch {batch} that can be read: {error}") from error
            raise

    async def _settle(
        self, key: str, ticket: Ticket, outcome: str, dollars: float | None, replies: Replies | None = None
    ) -> bool:
        """True if it was settled now. Raises WriterError: the text is still there when the ledger is back."""
        reply = replies.get(ticket.item) if replies else None
        BATCH_ITEMS.labels(self.name, "written" if outcome == "written" else "lost").inc()
        try:
            return await self._ledger.settle_item(key, ticket, outcome, reply.tokens if reply else NOTHING, dollars)
        except DatabaseUnavailable as error:
            raise WriterError("ledger_unavailable", f"the text could not be settled: {error}") from error
