"""Kubernetes permissions of teams by environment (requirements S08, Y07). Pure.

No team may create or change pods where data is real: that right reads every secret that a pod can mount. Changes come
through the program, which is reviewed and audited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from infra.settings.access import AccessSettings
from infra.settings.environment import Environment
from infra.settings.stack import StackSettings
from stacks.specs.rbac import Rule


class Team(StrEnum):
    """The teams of the settings, by their keys."""

    ENGINEERS = "engineers"
    QUALITY = "quality"
    OPERATIONS = "operations"
    BREAK_GLASS = "break_glass"


READ: Final = ("get", "list", "watch")
OBSERVE: Final = (
    Rule("", ("pods", "pods/log", "services", "events", "configmaps", "persistentvolumeclaims"), READ),
    Rule("apps", ("deployments", "replicasets", "statefulsets"), READ),
    Rule("batch", ("jobs", "cronjobs"), READ),
    Rule("autoscaling", ("horizontalpodautoscalers",), READ),
    Rule("networking.k8s.io", ("networkpolicies", "ingresses"), READ),
    Rule("gateway.networking.k8s.io", ("gateways", "httproutes"), READ),
    Rule("metrics.k8s.io", ("pods",), READ),
)
"""To see what runs, its logs and its figures; secrets are not among it."""

OPERATE: Final = (*OBSERVE, Rule("", ("pods",), ("delete",)))
"""To restart a pod besides: its owner makes it again as declared."""

ENTER: Final = (
    *OPERATE,
    Rule("", ("pods/exec", "pods/portforward"), ("create",)),
    Rule("batch", ("jobs",), ("create", "delete")),
)
"""Rights to open a shell and to run a job by hand besides; they read everything that the pods have mounted."""

GIVEN: Final[Mapping[Environment, Mapping[Team, tuple[Rule, ...]]]] = MappingProxyType(
    {
        Environment.LOCAL: {},
        Environment.DEV: {Team.ENGINEERS: ENTER},
        Environment.STAGING: {Team.ENGINEERS: OPERATE, Team.QUALITY: OBSERVE},
        Environment.PROD: {Team.ENGINEERS: OBSERVE, Team.OPERATIONS: OPERATE, Team.BREAK_GLASS: ENTER},
    }
)
"""Requirement S08: all engineers in dev; QA and engineers in staging; operations and few engineers in production."""


@dataclass(frozen=True)
class Access:
    """Rights of one team.

    name: name of the role.
    rules: rights of the role.
    groups: groups of the cluster's identity provider.
    """

    name: str
    rules: tuple[Rule, ...]
    groups: tuple[str, ...]


def groups_of(settings: AccessSettings, team: Team) -> tuple[str, ...]:
    match team:
        case Team.ENGINEERS:
            return settings.engineers
        case Team.QUALITY:
            return settings.quality
        case Team.OPERATIONS:
            return settings.operations
        case Team.BREAK_GLASS:
            return settings.break_glass


def people(settings: StackSettings) -> tuple[Access, ...]:
    """Every team that is named in the stack file, with what its environment gives it."""
    given = GIVEN[settings.environment]
    named = [(team, rules, groups_of(settings.access, team)) for team, rules in given.items()]
    return tuple(
        Access(f"team-{team.value.replace('_', '-')}", rules, groups) for team, rules, groups in named if groups
    )
