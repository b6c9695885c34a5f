"""Rules of Kubernetes roles (requirements S08, Y07)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """Verbs on resources of one API group.

    api: API group; the empty one is Kubernetes' core.
    resources: resources of the group, such as pods/log.
    verbs: allowed verbs.
    """

    api: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
