"""Configurations for any project: rules for every project, and rules for one product.

``baseline`` has the rules against vulnerabilities in any project. ``restricted`` is everything that needs no numbers of
the project's own. A project's own configuration, as each stack here has one, is the third: limits, regions, budgets,
headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from policies.configuration import ALL, LEVEL
from policies.reading import Value
from policies.rule import Rule

Profile = Mapping[str, "Mapping[str, Value]"]

_MANDATORY: Final[Mapping[str, Value]] = {LEVEL: "mandatory"}
_ADVISORY: Final[Mapping[str, Value]] = {LEVEL: "advisory"}
_DISABLED: Final[Mapping[str, Value]] = {LEVEL: "disabled"}

HOLES: Final = (
    "closed-bucket",
    "closed-ports",
    "internal-services",
    "known-origins",
    "least-privilege",
    "least-privilege-in-cluster",
    "no-plain-secrets",
    "plain-listeners",
    "retired-ingress",
    "tls-only",
)
"""Rules against access by strangers, or unlimited permissions of one program, in any project."""

OWN: Final = (
    "audit-trail",
    "backup-is-tried",
    "budget",
    "connections-in-the-worst-case",
    "cost-tags",
    "failover-chain",
    "known-sizes",
    "rate-limits",
    "recommended-labels",
    "scale-limits",
)
"""Rules that need a project's own numbers and names, or ask for parts that not every stack has."""

BASELINE: Final[Profile] = MappingProxyType(
    {
        ALL: _DISABLED,
        **dict.fromkeys(HOLES, _MANDATORY),
        "pod-security": {**_MANDATORY, "standard": "baseline"},
        "pinned-images": {**_MANDATORY, "digest": False},
        "private-database": {**_MANDATORY, "deletionProtection": False},
        "unread-resources": _ADVISORY,
    }
)
RESTRICTED: Final[Profile] = MappingProxyType({ALL: _MANDATORY, **dict.fromkeys(OWN, _DISABLED)})
PROFILES: Final[Mapping[str, Profile]] = MappingProxyType({"baseline": BASELINE, "restricted": RESTRICTED})


def unknown(rules: tuple[Rule, ...]) -> set[str]:
    """Names in the profiles that no rule has: a rule that was renamed would silently not hold."""
    known = {ALL, *(rule.name for rule in rules)}
    return {name for profile in PROFILES.values() for name in profile if name not in known}
