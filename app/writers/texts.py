"""Texts that were written before, by everything that decides them (D01, E06)."""

import hashlib
from typing import Generic

from app.cache import Cache
from app.writers.base import CallContext
from app.writers.forms import Asked, Form, Text


class TextCache(Generic[Text]):
    """Texts of one class by key, for `seconds`; 0 keeps nothing."""

    def __init__(self, cache: Cache, seconds: int, kind: type[Text]) -> None:
        self._cache = cache
        self._seconds = seconds
        self._kind = kind

    async def get(self, key: str) -> Text | None:
        """A text that costs nothing any more."""
        found = await self._cache.get(f"text:{key}") if self._seconds else None
        return free(self._kind.as_stored_json(found)) if found is not None else None

    async def put(self, key: str, draft: Text) -> None:
        """Keep a new draft."""
        if self._seconds:
            await self._cache.put(f"text:{key}", draft.model_dump_json(), self._seconds)


def text_key(form: Form[Asked, Text], provider: str, model: str, assignment: Asked, context: CallContext) -> str:
    """Key of a text: its writer, the writer's instructions, and its client where no other may get it."""
    parts = (provider, model, form.version, context.share, assignment.model_dump_json())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def free(draft: Text) -> Text:
    """A draft that another call has paid for."""
    usage = draft.usage.model_copy(update={"input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0})
    return draft.model_copy(update={"cached": True, "usage": usage})
