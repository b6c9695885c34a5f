"""The embedded writer of a form as one of the providers: it needs no network and costs nothing."""

from typing import Generic

from app.writers.base import CallContext
from app.writers.forms import Asked, Form, Text
from app.writers.texts import TextCache, text_key


class EmbeddedProvider(Generic[Asked, Text]):
    """The embedded writer at the desk."""

    def __init__(self, form: Form[Asked, Text], texts: TextCache[Text]) -> None:
        self.name = form.sampler.name
        self._form = form
        self._texts = texts

    def key(self, assignment: Asked, context: CallContext) -> str:
        """Cache key of its text."""
        return text_key(self._form, self.name, self._form.sampler.model(assignment), assignment, context)

    async def write(self, assignment: Asked, context: CallContext) -> Text:
        """At once."""
        draft = await self._form.sampler.write(assignment, self._form.sampler.model(assignment))
        await self._texts.put(self.key(assignment, context), draft)
        return draft

    async def close(self) -> None:
        """Nothing to give back."""
