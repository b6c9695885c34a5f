"""Evaluation of a call's permission within one account (IAM User Guide, "Policy evaluation logic": "How AWS enforcement
code logic evaluates requests", and "Identity-based policies and resource-based policies").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from localcloud.aws.permissions.documents import ANYBODY, Statement
from localcloud.aws.permissions.matching import Context, filled, hold, like

EVERYTHING: Final = "*"


@dataclass(frozen=True)
class Caller:
    """Identity of the caller.

    arn: of the session or the user, as AWS shows it in a refusal.
    account: twelve digits.
    role: ARN of the role behind a session, or the user's own ARN: policies name either.
    """

    arn: str
    account: str
    role: str


@dataclass(frozen=True)
class Identity:
    """A caller, and the statements of every policy that it holds."""

    caller: Caller
    statements: Sequence[Statement]


@dataclass(frozen=True)
class Call:
    """One permission that a request needs.

    action: service prefix and name, such as s3:PutObject.
    resource: ARN, or * where the action has no resource or it is unknown.
    context: condition keys of the request.
    """

    action: str
    resource: str = EVERYTHING
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Policies:
    """Policies that are evaluated for one call.

    identity: statements of the caller's own policies.
    resource: statements of the resource's policy; None where it has none.
    resource_decides: whether the resource's policy must let the caller or the account in, as a KMS key's must (KMS
        Developer Guide, "Key policies": a key policy has to give the account access before IAM policies count).
    """

    identity: Sequence[Statement] = ()
    resource: Sequence[Statement] | None = None
    resource_decides: bool = False


@dataclass(frozen=True)
class Decision:
    """Allowed, or the reason why not in AWS' words."""

    allowed: bool
    reason: str = ""


def decide(call: Call, caller: Caller, policies: Policies) -> Decision:
    """An explicit Deny anywhere wins; then an Allow is needed. Raises PolicyError for what cannot be evaluated."""
    resource = [one for one in policies.resource or () if _concerns(one, caller)]
    if any(not one.allows and applies(one, call) for one in policies.identity):
        return Decision(False, "with an explicit deny in an identity-based policy")
    if any(not one.allows and applies(one, call) for one in resource):
        return Decision(False, "with an explicit deny in a resource-based policy")
    granted = [one for one in resource if one.allows and applies(one, call)]
    if any(_names(one, caller) for one in granted):
        return Decision(True)
    if policies.resource_decides and not granted:
        return Decision(False, f"because no resource-based policy allows the {call.action} action")
    if any(one.allows and applies(one, call) for one in policies.identity):
        return Decision(True)
    return Decision(False, f"because no identity-based policy allows the {call.action} action")


def applies(statement: Statement, call: Call) -> bool:
    """True if a statement speaks of a call: its action, its resource, its conditions."""
    action = any(like(one, call.action, same_case=False) for one in statement.actions) != statement.other_actions
    return action and _of_resource(statement, call) and hold(statement.conditions, call.context)


def _of_resource(statement: Statement, call: Call) -> bool:
    if not statement.resources:
        return True
    patterns = [one for one in (filled(text, call.context) for text in statement.resources) if one is not None]
    return any(like(one, call.resource) for one in patterns) != statement.other_resources


def _concerns(statement: Statement, caller: Caller) -> bool:
    """A principal that is the account stands for every identity in it."""
    account = {f"arn:aws:iam::{caller.account}:root", caller.account}
    return _names(statement, caller) or any(kind == "AWS" and one in account for kind, one in statement.principals)


def _names(statement: Statement, caller: Caller) -> bool:
    return any(kind == "AWS" and one in (ANYBODY, caller.role, caller.arn) for kind, one in statement.principals)
