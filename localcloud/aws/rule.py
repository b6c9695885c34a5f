"""One rule of AWS about the inputs of a resource, and the common kinds: a pattern, a set, a range, a relation."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from localcloud.aws.scope import Aws
from localcloud.provider.block import Block
from localcloud.provider.resource import Problem, ResourceType

EVERY_TAGGED: Final = "every type with tags"
"""In place of a token."""


@dataclass(frozen=True)
class Rule:
    """One refusal. It never looks at a value that only the deployment will know.

    name: stands for the rule in tests and on the generated page.
    token: resource type, or EVERY_TAGGED.
    key: input that is named in the refusal.
    allowed: values that AWS accepts, in words.
    source: AWS page or API field, or a reported error, that states the rule.
    breaks: whether these inputs break it.
    """

    name: str
    token: str
    key: str
    allowed: str
    source: str
    breaks: Callable[[Block], bool]

    def holds_for(self, resource: ResourceType[Aws]) -> bool:
        """True if resources of the type are held to the rule."""
        return resource.token == self.token or (self.token == EVERY_TAGGED and "tags" in resource.inputs)

    def broken_by(self, inputs: Block) -> bool:
        """True if the inputs break the rule."""
        return inputs.has(self.key) and not inputs.is_unknown(self.key) and self.breaks(inputs)

    def problem(self, token: str, inputs: Block) -> Problem:
        """The refusal, with the value that was given."""
        value = inputs.values[self.key]
        shown = f"{value!r}" if len(repr(value)) <= SHOWN else f"{repr(value)[:SHOWN]}..."
        return Problem(self.key, f"{token}: {self.key} is {shown}; AWS allows {self.allowed} ({self.source})")


SHOWN: Final = 200
"""Characters of a value in a message."""


def pattern(name: str, token: str, key: str, expression: str, allowed: str, source: str) -> Rule:
    """A text that must match as a whole."""
    compiled = re.compile(expression)
    return Rule(name, token, key, allowed, source, lambda inputs: compiled.fullmatch(inputs.text(key)) is None)


def one_of(name: str, token: str, key: str, values: Collection[str], source: str) -> Rule:
    """A text, or every text of a list, out of a set."""

    def breaks(inputs: Block) -> bool:
        value = inputs.values.get(key)
        given = inputs.texts(key) if isinstance(value, list) else [inputs.text(key)]
        return any(one not in values for one in given)

    return Rule(name, token, key, ", ".join(sorted(values)), source, breaks)


def number(name: str, token: str, key: str, fits: Callable[[int], bool], allowed: str, source: str) -> Rule:
    """A number in a range or of a series."""
    return Rule(name, token, key, allowed, source, lambda inputs: not fits(inputs.number(key)))
