"""One provider's batches: gathers assignments, hands them in together, and picks their texts up (D01).

Nothing of a batch is kept here that another instance of im would need: the ticket says everything, and the worker keeps
it with the job.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from app.batch import Batcher
from app.domain import Assignment, Draft, Ticket, Waiting
from app.settings import Settings
from app.telemetry.metrics import BATCH_ITEMS, BATCHES
from app.writers.base import WriterError
from app.writers.batch_wires import BatchWire, Order, Texts
from app.writers.limits import Budget, Gate
from app.writers.prices import BATCH_SHARE, usage
from app.writers.remote import RemoteWriter, prompt

_LOG = structlog.get_logger("app.batches")
# Batches whose last look is remembered: one answer serves all jobs that wait for the batch.
REMEMBERED = 16
# A batch is looked at again after this share of its age, so that a long one is not looked at all the time.
PATIENCE = 0.25
LONGEST_PAUSE_SECONDS = 900.0


class BatchLost(WriterError):
    """The batch will not give this text; only asking for it directly will."""

    def __init__(self, message: str) -> None:
        super().__init__("batch_lost", message, retriable=False)


@dataclass
class _Look:
    """What a batch was when it was looked at last; the lock lets one look at a time."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    at: float | None = None
    texts: Texts | None = None
    failure: WriterError | None = None


class Batches:
    """Orders and collects texts at one provider."""

    def __init__(self, writer: RemoteWriter, wire: BatchWire, settings: Settings, gate: Gate, budget: Budget) -> None:
        self._writer = writer
        self._wire = wire
        self._settings = settings
        self._gate = gate
        self._budget = budget
        self._gathering: dict[str, Batcher[Assignment, Ticket]] = {}
        self._looks: OrderedDict[str, _Look] = OrderedDict()

    async def order(self, assignment: Assignment) -> Ticket:
        """Have a text written with those that are asked for at about the same time. Raises WriterError."""
        await self._budget.check()
        model = self._writer.model(assignment)
        if model not in self._gathering:
            largest, window = self._settings.llm_batch_largest, self._settings.llm_batch_window_seconds
            self._gathering[model] = Batcher(lambda batch: self._hand_in(model, batch), largest, window=window)
        return await self._gathering[model].ask(assignment)

    async def collect(self, ticket: Ticket, assignment: Assignment) -> Draft | None:
        """The text, checked; None while the batch is under way. Raises BatchLost, and WriterError to ask again."""
        texts = await self._texts(ticket.batch)
        if texts is None:
            return None
        reserved = self._reserve(ticket.model, assignment)
        try:
            draft = self._read(texts, ticket, assignment)
        except BatchLost as lost:
            BATCH_ITEMS.labels(self._writer.name, "lost").inc()
            if ticket.item not in texts:
                await self._budget.settle(_name(ticket), -reserved, ticket.given_at)
            raise lost
        BATCH_ITEMS.labels(self._writer.name, "written").inc()
        await self._budget.settle(_name(ticket), draft.usage.cost_usd - reserved, ticket.given_at)
        return draft

    def waiting(self, ticket: Ticket) -> Waiting:
        """When to ask again, and how much longer it is worth it."""
        age = max(0.0, (datetime.now(UTC) - ticket.given_at).total_seconds())
        return Waiting(
            ticket=ticket,
            again_seconds=max(self._settings.llm_batch_look_seconds, min(LONGEST_PAUSE_SECONDS, PATIENCE * age)),
            left_seconds=max(0.0, self._settings.llm_batch_deadline_seconds - age),
        )

    async def _hand_in(self, model: str, assignments: Sequence[Assignment]) -> list[Ticket]:
        path = self._writer.wire.path(model)
        requests = [self._writer.request(assignment, model) for assignment in assignments]
        orders = [Order(str(place), path, body) for place, body in enumerate(requests)]
        batch = await self._gate.call(lambda: self._submitted(model, orders))
        # What they cost is known when they come back; until then the most they can is spent (E07).
        await self._budget.spend(sum(self._reserve(model, assignment) for assignment in assignments))
        BATCHES.labels(self._writer.name).inc()
        BATCH_ITEMS.labels(self._writer.name, "ordered").inc(len(orders))
        _LOG.info("batch handed in", provider=self._writer.name, model=model, batch=batch, texts=len(orders))
        given, name = datetime.now(UTC), self._writer.name
        return [Ticket(provider=name, model=model, batch=batch, item=order.item, given_at=given) for order in orders]

    async def _submitted(self, model: str, orders: Sequence[Order]) -> str:
        try:
            return await self._wire.hand_in(self._writer.line, model, orders)
        except ValueError as error:
            raise WriterError("invalid_batch", f"{self._writer.name} took a batch and did not say which") from error

    async def _texts(self, batch: str) -> Texts | None:
        look = self._looks.setdefault(batch, _Look())
        self._looks.move_to_end(batch)
        while len(self._looks) > REMEMBERED:
            self._looks.popitem(last=False)
        async with look.lock:
            fresh = look.at is not None and time.monotonic() - look.at < self._settings.llm_batch_look_seconds
            if look.texts is None and not fresh:
                look.failure = None
                try:
                    look.texts = await self._picked_up(batch)
                except WriterError as error:
                    look.failure = error
                look.at = time.monotonic()
        if look.failure is not None:
            raise look.failure
        return look.texts

    async def _picked_up(self, batch: str) -> Texts | None:
        try:
            return await self._wire.pick_up(self._writer.line, batch)
        except ValueError as error:
            raise BatchLost(f"{self._writer.name} says of batch {batch} what cannot be understood") from error
        except WriterError as error:
            if error.retriable:
                raise
            raise BatchLost(f"{self._writer.name} has no batch {batch} for us: {error}") from error

    def _read(self, texts: Texts, ticket: Ticket, assignment: Assignment) -> Draft:
        if ticket.item not in texts:
            raise BatchLost(f"batch {ticket.batch} of {ticket.provider} ended without item {ticket.item}")
        try:
            return self._writer.read(texts[ticket.item], assignment, ticket.model, BATCH_SHARE)
        except WriterError as error:
            raise BatchLost(str(error)) from error

    def _reserve(self, model: str, assignment: Assignment) -> float:
        """The most a text can cost; a token has at least one character."""
        return usage(model, len(prompt(assignment)), self._writer.tokens(model), BATCH_SHARE).cost_usd


def _name(ticket: Ticket) -> str:
    return f"{ticket.provider}:{ticket.batch}:{ticket.item}"
