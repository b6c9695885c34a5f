"""Role of a team in a namespace, and its binding to the team's groups (requirements S08, Y07)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes import rbac

from components.labels import metadata
from stacks.specs.rbac import Rule

API: Final = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class TeamAccessArgs:
    """Arguments of TeamAccess.

    namespace: Kubernetes namespace of the objects.
    product: product in the recommended labels (K01).
    name: name of the role and its binding.
    rules: rights of the role.
    groups: groups of people, as the cluster's identity provider names them.
    """

    namespace: str
    product: str
    name: str
    rules: tuple[Rule, ...]
    groups: tuple[str, ...]


class TeamAccess(pulumi.ComponentResource):
    """A Role and its RoleBinding: nothing outside the namespace, and no way to give oneself more."""

    def __init__(self, name: str, args: TeamAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:kubernetes:TeamAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        named = metadata(args.name, args.product, args.namespace, args.name)
        role = rbac.v1.Role(
            f"{name}-role",
            metadata=named,
            rules=[
                rbac.v1.PolicyRuleArgs(api_groups=[rule.api], resources=list(rule.resources), verbs=list(rule.verbs))
                for rule in args.rules
            ],
            opts=child,
        )
        rbac.v1.RoleBinding(
            f"{name}-binding",
            metadata=named,
            role_ref=rbac.v1.RoleRefArgs(api_group=API, kind="Role", name=args.name),
            subjects=[rbac.v1.SubjectArgs(api_group=API, kind="Group", name=group) for group in args.groups],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )
        self.register_outputs({})
