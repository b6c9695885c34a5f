"""Policy documents as data (IAM User Guide, "IAM JSON policy elements reference")."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

Condition: TypeAlias = tuple[str, str, tuple[str, ...]]
"""Operator, condition key, values."""

ANYBODY: Final = "*"
TAKEN: Final = frozenset({"Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"})


class PolicyError(ValueError):
    """A policy document that cannot be evaluated; the message names the element and its value."""


@dataclass(frozen=True)
class Statement:
    """One statement. An empty ``resources`` is that of a trust policy, which names none.

    allows: Allow or Deny.
    principals: kind (AWS, Service, Federated) and identifier; empty in a policy of an identity.
    other_actions: whether ``actions`` are those that are left out (NotAction).
    other_resources: whether ``resources`` are those that are left out (NotResource).
    """

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    principals: tuple[tuple[str, str], ...] = ()
    conditions: tuple[Condition, ...] = ()
    other_actions: bool = False
    other_resources: bool = False


def parse(document: str) -> tuple[Statement, ...]:
    """The statements of a document. Raises PolicyError for one that is no policy or uses an element unknown here."""
    try:
        found = json.loads(document)
    except ValueError as error:
        raise PolicyError(f"policy document is no JSON: {error}") from None
    statements = found.get("Statement") if isinstance(found, dict) else None
    if statements is None:
        raise PolicyError("policy document has no Statement")
    return tuple(_statement(one) for one in (statements if isinstance(statements, list) else [statements]))


def _statement(one: Mapping[str, object]) -> Statement:
    unknown = sorted(set(one) - TAKEN)
    if unknown:
        raise PolicyError(f"policy statement has {', '.join(unknown)}; known are {', '.join(sorted(TAKEN))}")
    effect = one.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError(f"policy statement's Effect is {effect!r}; allowed are Allow, Deny")
    return Statement(
        allows=effect == "Allow",
        actions=_texts(one.get("Action", one.get("NotAction"))),
        resources=_texts(one.get("Resource", one.get("NotResource"))),
        principals=_principals(one.get("Principal")),
        conditions=_conditions(one.get("Condition")),
        other_actions="NotAction" in one,
        other_resources="NotResource" in one,
    )


def _principals(given: object) -> tuple[tuple[str, str], ...]:
    if given is None:
        return ()
    if given == ANYBODY:
        return (("AWS", ANYBODY),)
    if not isinstance(given, dict):
        raise PolicyError(f'policy statement\'s Principal is {given!r}; it must be "*" or an object')
    return tuple((kind, one) for kind, listed in given.items() for one in _texts(listed))


def _conditions(given: object) -> tuple[Condition, ...]:
    if not isinstance(given, dict):
        return ()
    return tuple((operator, key, _texts(values)) for operator, keys in given.items() for key, values in keys.items())


def _texts(given: object) -> tuple[str, ...]:
    """Booleans and numbers are written as JSON writes them, which is how AWS compares them."""
    if given is None:
        return ()
    listed = given if isinstance(given, list) else [given]
    return tuple(one if isinstance(one, str) else json.dumps(one) for one in listed)
