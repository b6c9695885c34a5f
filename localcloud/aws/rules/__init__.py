"""Rules of AWS that moto does not know, one small check each, with its source: what breaks one is refused at Check.

What a file of this folder has in ``RULES`` is found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from localcloud.aws.discovery import found
from localcloud.aws.rule import Rule
from localcloud.aws.scope import Aws
from localcloud.provider.block import Block
from localcloud.provider.resource import Problem, ResourceType

RULES: Final[tuple[Rule, ...]] = tuple(found(__name__, __path__, "RULES", Rule))


def strict(resource: ResourceType[Aws]) -> ResourceType[Aws]:
    """The resource type with every rule that holds for it."""
    own = resource.problems
    rules = [rule for rule in RULES if rule.holds_for(resource)]

    def problems(inputs: Block) -> Iterable[Problem]:
        yield from own(inputs)
        for rule in rules:
            if rule.broken_by(inputs):
                yield rule.problem(resource.token, inputs)

    return replace(resource, problems=problems)
