"""The AWS identity of one service account: exactly the calls its workload makes (requirement X01, least privilege)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws.iam as iam


@dataclass(frozen=True)
class Grant:
    """Permission for actions on resources.

    actions: IAM actions, named one by one.
    resources: ARNs, in full.
    condition: operator, key and values that narrow the permission, as IAM writes conditions.
    """

    actions: tuple[str, ...]
    resources: tuple[pulumi.Input[str], ...]
    condition: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class ServiceRoleArgs:
    """Arguments of ServiceRole.

    namespace: Kubernetes namespace of the service account.
    account: name of the service account.
    oidc_provider: ARN of the cluster's identity provider.
    grants: permissions of the role.
    """

    namespace: str
    account: str
    oidc_provider: str
    grants: tuple[Grant, ...]


class ServiceRole(pulumi.ComponentResource):
    """A role that only this service account of this cluster may take, with its grants as the only policy."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: ServiceRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:cloud:ServiceRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = iam.Role(f"{name}-role", assume_role_policy=trust_policy(args), opts=child)
        statements = [_statement(grant) for grant in args.grants]
        iam.RolePolicy(
            f"{name}-grants",
            role=role.name,
            policy=pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": statements}),
            opts=child,
        )
        self.arn = role.arn
        self.register_outputs({"arn": self.arn})


def trust_policy(args: ServiceRoleArgs) -> str:
    """Web identity for one subject: no other service account of the cluster can assume the role."""
    issuer = args.oidc_provider.split(":oidc-provider/", 1)[1]
    equal = {
        f"{issuer}:sub": f"system:serviceaccount:{args.namespace}:{args.account}",
        f"{issuer}:aud": "sts.amazonaws.com",
    }
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": args.oidc_provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": equal},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _statement(grant: Grant) -> dict[str, pulumi.Input[object]]:
    resources: Sequence[pulumi.Input[str]] = list(grant.resources)
    statement: dict[str, pulumi.Input[object]] = {
        "Effect": "Allow",
        "Action": list(grant.actions),
        "Resource": resources,
    }
    if grant.condition:
        conditions: dict[str, dict[str, list[str]]] = {}
        for operator, key, values in grant.condition:
            conditions.setdefault(operator, {})[key] = list(values)
        statement["Condition"] = conditions
    return statement
