"""Types of the writing side: calls with a deadline, providers' clients, their replies, and their failures."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import uuid4

from app.failures import FailureClass, failure_class


@dataclass(frozen=True)
class Tokens:
    """Tokens of a call, as it is charged: cached ones are part of the input, thoughts are part of the output."""

    input: int
    output: int
    thought: int = 0
    cached: int = 0


class WriterError(Exception):
    """A text did not come: `kind` is in app.failures, the message is for the log and never for clients.

    `tokens` is what was charged all the same, `retry_after` the pause in seconds that the provider asked for, `status`
    its HTTP status; `final` says that no later try can succeed, and is the class's unless it is known better.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        tokens: Tokens | None = None,
        retry_after: float | None = None,
        status: int | None = None,
        final: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.kind, self.tokens, self.retry_after, self.status = kind, tokens, retry_after, status
        self.final = failure_class(kind).final if final is None else final

    @property
    def failure(self) -> FailureClass:
        """Failure class of the error."""
        return failure_class(self.kind)


class Finish(StrEnum):
    """Reason for which a model stopped."""

    COMPLETE = "complete"
    TRUNCATED = "truncated"
    REFUSED = "content_refused"


@dataclass(frozen=True)
class Reply:
    """A model's answer in the terms that all providers share."""

    text: str
    finish: Finish
    tokens: Tokens


@dataclass(frozen=True)
class Question:
    """One text to ask for: which model, with which words, how many tokens it may take, thinking included."""

    model: str
    prompt: str
    max_tokens: int


Replies = Mapping[str, Reply]


class ProviderClient(Protocol):
    """One provider's SDK behind one interface. Every method raises WriterError and no other error of the SDK."""

    async def ask(self, question: Question) -> Reply:
        """One text, within LLM_TIMEOUT_SECONDS and without a second try."""
        ...

    async def hand_in(self, questions: Sequence[Question]) -> str:
        """The name of a new batch of questions to one model; the items are called by their place, from "0"."""
        ...

    async def pick_up(self, batch: str) -> Replies | None:
        """None while the batch is under way, then the replies by item; those that failed or expired are missing."""
        ...

    async def close(self) -> None:
        """Give the connections back."""
        ...


@dataclass(frozen=True)
class Deadline:
    """A moment after which no client waits for the answer."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds until then; negative when it is over."""
        return self.at - time.monotonic()


@dataclass(frozen=True)
class CallContext:
    """For whom a text is written, and until when: what the ledger says of a call beside its price.

    `own` marks a text that no other job may get (`fresh`); a second attempt of the same job gets it.
    """

    deadline: Deadline
    job_id: str | None = None
    attempt: int | None = None
    client_id: str | None = None
    fresh: bool = False
    own: str = field(default_factory=lambda: uuid4().hex)

    @property
    def share(self) -> str:
        """Part of the key of a text: empty for a text that every job may get."""
        return (self.job_id or self.own) if self.fresh else ""
