"""Forms of text: what the providers' machinery (guards, ledger, cache) has to know of the text that it gets written.

Content generation has one form and recipe-app another; calls, prices, limits and the response cache are the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, Protocol

from typing_extensions import TypeVar

from app.domain import Assignment, Draft, Priority, Strict, Usage, Written
from app.providers import Provider
from app.writers.base import Reply
from app.writers.embedded import EmbeddedWriter
from app.writers.prices import model_for
from app.writers.prompts import PROMPT_VERSION, content_of, prompt

Asked = TypeVar("Asked", bound=Strict, default=Assignment)
"""Request for a text; its JSON is the key of the response cache."""
Text = TypeVar("Text", bound=Written, default=Draft)
"""Checked text with its provider, model and usage."""
_Asked = TypeVar("_Asked", contravariant=True)
_Text = TypeVar("_Text", covariant=True)


class Sampler(Protocol[_Asked, _Text]):
    """Writes without a network, the same text for the same request."""

    @property
    def name(self) -> str:
        """Name of the provider in answers and figures."""
        ...

    def model(self, assignment: _Asked) -> str:
        """Name of the model in answers and figures."""
        ...

    async def write(self, assignment: _Asked, model: str) -> _Text:
        """The text."""
        ...


@dataclass(frozen=True)
class Form(Generic[Asked, Text]):
    """One form of text.

    version: version of the prompt, part of the key of a text; two forms never have the same.
    kind: class of the texts, which the response cache reads.
    prompt: words for a model.
    model: model for a request, by provider; LLM_MODELS replaces the built-in ones.
    draft: checked text of a reply by provider, model and usage. Raises WriterError.
    sampler: the embedded writer of the form.
    """

    version: str
    kind: type[Text]
    prompt: Callable[[Asked], str]
    model: Callable[[Provider, Asked, Mapping[Priority, str]], str]
    draft: Callable[[Reply, Asked, str, str, Usage], Text]
    sampler: Sampler[Asked, Text]


def _draft(reply: Reply, assignment: Assignment, provider: str, model: str, usage: Usage) -> Draft:
    return Draft(content=content_of(reply, assignment), provider=provider, model=model, usage=usage)


CONTENT: Final = Form(str(PROMPT_VERSION), Draft, prompt, model_for, _draft, EmbeddedWriter())
"""Blog and social posts of content generation."""
