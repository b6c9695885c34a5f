"""Exemptions: a rule that is knowingly broken by one resource, by whom, why and until when. They reach the pack in the
configuration of their rule, are told in every run, and end by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from typing import Final

from policies.reading import Properties, Value, mapping, mappings, text

KEY: Final = "exemptions"
"""The property of a rule's configuration that holds them."""

FIELDS: Final = ("resource", "owner", "reason", "expires")


@dataclass(frozen=True)
class Exemption:
    """``resource`` is a resource's name in the program, with ``*`` for any part of it."""

    rule: str
    resource: str
    owner: str
    reason: str
    expires: date

    def __str__(self) -> str:
        return f"exempt until {self.expires} by {self.owner}: {self.reason}"


SCHEMA: Final = {
    "type": "array",
    "description": "resources that may break this rule, until a day",
    "default": [],
    "items": {
        "type": "object",
        "properties": {name: {"type": "string"} for name in FIELDS},
        "required": list(FIELDS),
        "additionalProperties": False,
    },
}


def read(rule: str, configured: Value) -> list[Exemption]:
    """The exemptions of a rule's configuration, which ``problems`` has found right."""
    return [
        Exemption(
            rule=rule,
            resource=text(one.get("resource")),
            owner=text(one.get("owner")),
            reason=text(one.get("reason")),
            expires=date.fromisoformat(text(one.get("expires"))),
        )
        for one in mappings(configured)
    ]


def problems(rule: str, configured: Value) -> Iterator[str]:
    """What is wrong with the exemptions of a rule's configuration."""
    for index, one in enumerate(mappings(configured)):
        yield from (f"{rule}.{KEY}[{index}]: {problem}" for problem in _wrong(one))


def _wrong(one: Properties) -> Iterator[str]:
    for name in FIELDS:
        if not text(mapping(one).get(name)).strip():
            yield f"{name} is missing; an exemption has {', '.join(FIELDS)}"
    for name in one:
        if name not in FIELDS:
            yield f"{name} is not a field of an exemption; those are {', '.join(FIELDS)}"
    expires = text(one.get("expires"))
    try:
        date.fromisoformat(expires)
    except ValueError:
        yield f"expires is {expires!r}; allowed is a day such as 2027-03-31"


@dataclass
class Ledger:
    """The exemptions of a run, and which of them were needed."""

    exemptions: list[Exemption]
    today: date
    used: set[Exemption] = field(default_factory=set)

    def excuse(self, rule: str, resource: str) -> Exemption | None:
        """The exemption in force for a violation, if there is one; an expired one excuses nothing."""
        for one in self.exemptions:
            if one.rule == rule and fnmatchcase(resource, one.resource):
                self.used.add(one)
                if one.expires >= self.today:
                    return one
        return None

    def faults(self) -> Iterator[tuple[Exemption, str]]:
        """What ends the run although nothing is violated: exemptions past their day, or for nothing."""
        for one in self.exemptions:
            if one.expires < self.today:
                yield one, f"the exemption of {one.resource} by {one.owner} expired on {one.expires}; mend it, or renew"
            elif one not in self.used:
                yield one, f"the exemption of {one.resource} by {one.owner} excuses nothing any more; take it out"
