"""Exemptions: a rule that is knowingly broken by one resource, by whom, why and until when. They reach the pack in the
configuration of their rule, are listed in every run, and end by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import Final

from policies.reading import Properties, Value, mapping, mappings, text
from policies.rule import Resource

KEY: Final = "exemptions"
"""The property of a rule's configuration that holds them."""
FIELDS: Final = ("resource", "type", "owner", "reason", "expires")
STACK_TYPE: Final = "pulumi:pulumi:Stack"
"""The type for what is wrong with the stack as a whole; its name is any."""
URN: Final = "urn:"
LONGEST: Final = timedelta(days=180)
"""The longest time that an entry may still have; a longer one is renewed, with its reason."""
NOTICE: Final = timedelta(days=30)
"""So long before its end every run warns of it."""


@dataclass(frozen=True)
class Exemption:
    """``resource`` is a resource's name in the program, beside its ``type``, or its URN. Names are not unique, and a
    URN is. A ``*`` in the name stands for any part of it, for rules that only advise.
    """

    rule: str
    resource: str
    type: str
    owner: str
    reason: str
    expires: date

    def __str__(self) -> str:
        return f"exempt until {self.expires} by {self.owner}: {self.reason}"

    def covers(self, resource: Resource | None) -> bool:
        """True if the exemption is for a resource; None is the stack as a whole."""
        if resource is None:
            return self.type == STACK_TYPE
        if self.resource.startswith(URN):
            return resource.urn == self.resource
        return self.type in (resource.type, resource.written) and fnmatchcase(resource.name, self.resource)


SCHEMA: Final = {
    "type": "array",
    "description": "resources that may break this rule, until a day",
    "default": [],
    "items": {
        "type": "object",
        "properties": {name: {"type": "string"} for name in FIELDS},
        "required": [one for one in FIELDS if one != "type"],
        "additionalProperties": False,
    },
}


def read(rule: str, configured: Value) -> list[Exemption]:
    """The exemptions of a rule's configuration, which ``problems`` has found right."""
    return [
        Exemption(
            rule=rule,
            resource=text(one.get("resource")),
            type=text(one.get("type")),
            owner=text(one.get("owner")),
            reason=text(one.get("reason")),
            expires=date.fromisoformat(text(one.get("expires"))),
        )
        for one in mappings(configured)
    ]


def problems(rule: str, configured: Value, *, advisory: bool = False) -> Iterator[str]:
    """Problems of the exemptions in a rule's configuration."""
    for index, one in enumerate(mappings(configured)):
        yield from (f"{rule}.{KEY}[{index}]: {problem}" for problem in _wrong(one, advisory=advisory))


def _wrong(one: Properties, *, advisory: bool) -> Iterator[str]:
    resource = text(mapping(one).get("resource"))
    for name in FIELDS:
        needed = name != "type" or not resource.startswith(URN)
        if needed and not text(mapping(one).get(name)).strip():
            yield f"{name} is missing; an exemption has {', '.join(FIELDS)}, or a URN for resource and no type"
    for name in one:
        if name not in FIELDS:
            yield f"{name} is not a field of an exemption; those are {', '.join(FIELDS)}"
    if "*" in resource and not advisory:
        yield f"resource is {resource!r}; a rule that stops the update is lifted for named resources only, without *"
    if "*" in text(mapping(one).get("type")):
        yield f"type is {text(mapping(one).get('type'))!r}; allowed is one type, without *"
    expires = text(one.get("expires"))
    try:
        date.fromisoformat(expires)
    except ValueError:
        yield f"expires is {expires!r}; allowed is a day such as 2027-03-31"


@dataclass
class Ledger:
    """The exemptions of a run: which were needed, and which could not be judged."""

    exemptions: list[Exemption]
    today: date
    used: set[Exemption] = field(default_factory=set)
    unclear: set[Exemption] = field(default_factory=set)

    def excuse(self, rule: str, resource: Resource | None) -> Exemption | None:
        """The exemption in force for a violation, of several the one that lasts longest; an expired one excuses
        nothing.
        """
        mine = self._of(rule, resource)
        self.used.update(mine)
        inside = [one for one in mine if self.today <= one.expires <= self.today + LONGEST]
        return max(inside, key=lambda one: one.expires, default=None)

    def not_judged(self, rule: str, resource: Resource | None = None, *, whole: bool = False) -> None:
        """A rule could not say whether it is violated: a value is not known yet. With ``whole`` of any resource."""
        self.unclear.update(one for one in self.exemptions if one.rule == rule and (whole or one.covers(resource)))

    def faults(self) -> Iterator[tuple[Exemption, str]]:
        """Problems of exemptions without a violation: expired, valid for too long, or matching nothing."""
        for one in self.exemptions:
            told = f"the exemption of {one.resource} by {one.owner}"
            if one.expires < self.today:
                yield one, f"{told} expired on {one.expires}; fix the resource, or renew"
            elif one.expires > self.today + LONGEST:
                yield one, f"{told} ends on {one.expires}; allowed is a day within {LONGEST.days} days"
            elif one not in self.used and one not in self.unclear:
                yield one, f"{told} excuses nothing any more; delete it"

    def endings(self) -> Iterator[tuple[Exemption, str]]:
        """Those in force that end soon."""
        for one in self.exemptions:
            if self.today <= one.expires <= self.today + NOTICE:
                days = (one.expires - self.today).days
                yield one, f"the exemption of {one.resource} by {one.owner} ends in {days} days, on {one.expires}"

    def _of(self, rule: str, resource: Resource | None) -> list[Exemption]:
        return [one for one in self.exemptions if one.rule == rule and one.covers(resource)]
