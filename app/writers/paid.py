"""A provider that charges: each call passes the breaker, the limit a minute and the ledger, and is paid for once."""

import asyncio
from typing import Generic

import structlog

from app.domain import Usage, Written
from app.providers import Provider
from app.settings import Settings
from app.writers.base import CallContext, ProviderClient, Question, Reply, WriterError
from app.writers.calls import Guarded
from app.writers.forms import Asked, Form, Text
from app.writers.guards import Turnstile
from app.writers.ledger import NOTHING, Call, CallKind, Ledger
from app.writers.prices import ceiling, cost, most
from app.writers.texts import TextCache, free, text_key

_LOG = structlog.get_logger("app.writers")
LONGEST_TOKENS = 6000


class PaidProvider(Guarded, Generic[Asked, Text]):
    """One provider behind its guards."""

    def __init__(
        self,
        provider: Provider,
        client: ProviderClient,
        settings: Settings,
        ledger: Ledger,
        form: Form[Asked, Text],
        texts: TextCache[Text],
        turnstile: Turnstile | None,
    ) -> None:
        super().__init__(provider.value, settings.llm_timeout_seconds, settings, ledger, turnstile)
        self.client = client
        self.texts = texts
        self._form = form
        self._provider = provider
        self._settings = settings
        self._running: dict[str, asyncio.Task[Text]] = {}

    def question(self, assignment: Asked) -> Question:
        """Question to the provider, for no more than a job may cost (E07)."""
        model = self._form.model(self._provider, assignment, self._settings.llm_models.get(self._provider, {}))
        tokens = ceiling(model, self._settings.llm_max_cost_per_job_usd, LONGEST_TOKENS)
        return Question(model, self._form.prompt(assignment), tokens)

    def key(self, assignment: Asked, context: CallContext) -> str:
        """Cache key of its text."""
        return text_key(self._form, self.name, self.question(assignment).model, assignment, context)

    async def write(self, assignment: Asked, context: CallContext) -> Text:
        """A text, after more tries where the provider failed and there is time. Raises WriterError.

        A call of this process for the same text, whose caller has left, needs no second turn at the provider.
        """
        running = self._running.get(self.key(assignment, context))
        if running is not None:
            return free(await asyncio.shield(running))
        return await self.tried(lambda: self._once(assignment, context), context)

    async def close(self) -> None:
        """Let what was paid for be kept, then give the connections back."""
        if self._running:
            await asyncio.wait(self._running.values(), timeout=self._settings.grace_seconds)
        await self.client.close()

    async def _once(self, assignment: Asked, context: CallContext) -> Text:
        await self.turn(context)
        question, key = self.question(assignment), self.key(assignment, context)
        wanted = Call(key, self.name, question.model, CallKind.SYNC, most(question), self.call_seconds, context)
        found = await self.reserved_or(wanted, self.call_seconds, lambda: self.texts.get(key))
        if isinstance(found, Written):
            return found
        # A call that has begun is charged, so it ends whoever has left: who asks again finds the text.
        task = asyncio.create_task(self._paid(found, question, assignment))
        self._running[key] = task
        task.add_done_callback(lambda over: self._over(key, over))
        return await asyncio.shield(task)

    def _over(self, key: str, task: "asyncio.Task[Text]") -> None:
        if self._running.get(key) is task:
            del self._running[key]
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, WriterError):
            _LOG.error("call failed", provider=self.name, exc_info=error)

    async def _paid(self, call: Call, question: Question, assignment: Asked) -> Text:
        outcome, tokens, dollars = "abandoned", NOTHING, call.reserved_usd
        try:
            # Whoever paid for it before has kept it before that call was settled, so it is there now or nowhere.
            known = await self.texts.get(call.key)
            if known is not None:
                outcome, dollars = "cached", 0.0
                return known
            reply = await self.timed(self.client.ask(question))
            tokens, dollars = reply.tokens, cost(call.model, reply.tokens)
            draft = self.draft(reply, assignment, call.model, dollars)
            await self.texts.put(call.key, draft)
            outcome = "written"
        except WriterError as error:
            outcome = error.kind
            if error.tokens is None and not error.failure.charged:
                dollars = 0.0
            raise
        finally:
            await self.ledger.settle(call, outcome, tokens, dollars)
        return draft

    def draft(self, reply: Reply, assignment: Asked, model: str, dollars: float) -> Text:
        """The checked text. Raises WriterError."""
        usage = Usage(input_tokens=reply.tokens.input, output_tokens=reply.tokens.output, cost_usd=dollars)
        return self._form.draft(reply, assignment, self.name, model, usage)
