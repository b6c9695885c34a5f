"""The compliant example stack, and the configuration that fits it: everything else is the pack's strict default."""

from __future__ import annotations

from typing import Final

import pytest

from policies.pack import RULES
from policies.reading import Value
from policies.rule import Break, Rule

CONFIG: Final[dict[str, dict[str, Value]]] = {
    "scale-limits": {"instances": {"cpm": 10}},
    "failover-chain": {"priority": ["us-east-1", "eu-west-1"]},
}
"""Configuration of the example that no default can know: its services and its regions."""

ROWS: Final[dict[str, str]] = {
    **dict.fromkeys(("security-headers", "content-policy"), "Y01"),
    "scale-limits": "Y02",
    "connections-in-the-worst-case": "Y03",
    **dict.fromkeys(("pod-security", "probes", "stated-resources", "pinned-images", "no-plain-secrets"), "Y04"),
    **dict.fromkeys(("complete-bucket", "private-database", "budget", "several-instances", "spread"), "Y05"),
    **dict.fromkeys(("failover-chain", "records-follow-health", "stand-in-zone"), "Y05"),
    **dict.fromkeys(("least-privilege", "least-privilege-in-cluster", "audit-trail", "bucket-access-log"), "Y07"),
    **dict.fromkeys(("closed-ports", "internal-services", "protected-cache"), "Y08"),
}
"""The row that a rule's breaks and corpora prove."""


def marks_of(rule: str) -> list[pytest.MarkDecorator]:
    """The mark of the row that tests of a rule prove, where there is one."""
    return [pytest.mark.requirement(ROWS[rule])] if rule in ROWS else []


BREAKS: Final = [
    pytest.param(rule, change, id=f"{rule.name}-{change.of}-{change.path}-{index}", marks=marks_of(rule.name))
    for rule in RULES
    for index, change in enumerate(rule.breaks)
]


def config_of(rule: Rule) -> dict[str, Value]:
    """A rule's configuration for the example."""
    return CONFIG.get(rule.name, {})


def of_name(name: str) -> Rule:
    """A rule by its name."""
    (rule,) = (rule for rule in RULES if rule.name == name)
    return rule


def is_value(change: Break) -> bool:
    """True if a change is of one property, so that the property can be unknown or secret instead."""
    return bool(change.path)
