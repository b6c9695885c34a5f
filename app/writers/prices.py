"""Prices of models, in US dollars a million tokens, and the choice of one for a task: a simple one gets a cheap one
(D01).

Prices change; LLM_MODELS replaces the models, and an unknown model is charged like the dearest known one. Cached input
is counted at the full price: prompts of ours are shorter than what providers cache.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain import Assignment, ContentType, Priority
from app.providers import Provider
from app.writers.base import Question, Tokens


@dataclass(frozen=True)
class Price:
    """US dollars a million tokens."""

    input: float
    output: float


PRICES = {
    "gpt-4": Price(30.00, 60.00),
    "claude-3-opus-20240229": Price(15.00, 75.00),
    "gpt-5-nano": Price(0.05, 0.40),
    "gpt-5-mini": Price(0.25, 2.00),
    "gpt-5": Price(1.25, 10.00),
    "claude-haiku-4-5": Price(1.00, 5.00),
    "claude-sonnet-4-5": Price(3.00, 15.00),
    "gemini-2.5-flash-lite": Price(0.10, 0.40),
    "gemini-2.5-flash": Price(0.30, 2.50),
    "gemini-2.5-pro": Price(1.25, 10.00),
}
# What all three providers charge for a text that may wait for a day, as a share of the price above.
BATCH_SHARE = 0.5
_DEAREST = Price(max(price.input for price in PRICES.values()), max(price.output for price in PRICES.values()))

_SMALL = {
    Provider.OPENAI: "gpt-5-nano",
    Provider.ANTHROPIC: "claude-haiku-4-5",
    Provider.GEMINI: "gemini-2.5-flash-lite",
}
_MIDDLE = {Provider.OPENAI: "gpt-5-mini", Provider.ANTHROPIC: "claude-haiku-4-5", Provider.GEMINI: "gemini-2.5-flash"}
_LARGE = {Provider.OPENAI: "gpt-5", Provider.ANTHROPIC: "claude-sonnet-4-5", Provider.GEMINI: "gemini-2.5-pro"}


def model_for(provider: Provider, assignment: Assignment, replaced: Mapping[Priority, str]) -> str:
    """The configured model, else ours: a social post never needs more than the middle one."""
    if assignment.priority in replaced:
        return replaced[assignment.priority]
    social = assignment.content_type is ContentType.SOCIAL and assignment.priority is Priority.QUALITY
    return model_of(provider, Priority.BALANCED if social else assignment.priority)


def model_of(provider: Provider, priority: Priority) -> str:
    """Our model for a priority."""
    if priority in (Priority.COST, Priority.SPEED):
        return _SMALL[provider]
    return (_MIDDLE if priority is Priority.BALANCED else _LARGE)[provider]


def cost(model: str, tokens: Tokens, share: float = 1.0) -> float:
    """Cost of a call in US dollars, at a `share` of the price."""
    price = PRICES.get(model, _DEAREST)
    return round((tokens.input * price.input + tokens.output * price.output) * share / 1_000_000, 6)


def most(question: Question, share: float = 1.0) -> float:
    """The most that a question can cost: a token has at least one byte."""
    return cost(question.model, Tokens(len(question.prompt.encode()), question.max_tokens), share)


def ceiling(model: str, dollars: float, longest: int) -> int:
    """Number of output tokens that a job's money buys, and at most `longest`."""
    return max(1, min(longest, int(dollars * 1_000_000 / PRICES.get(model, _DEAREST).output)))
