"""Who may do what in the account, and who may come in: least privilege, closed ports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

from pulumi_policy import Severity

from policies.reading import Properties, Value, is_mapping, later, mapping, mappings, number, shown, states, text, texts
from policies.rule import Break, Resource, ResourceRule, StackRule, Violation
from policies.tunables import Kind, Settings, Tunable

POLICY_TYPES: Final = ("aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy")
ROLE: Final = "aws:iam/role:Role"
GROUP: Final = "aws:ec2/securityGroup:SecurityGroup"
INGRESS: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
OLD_RULE: Final = "aws:ec2/securityGroupRule:SecurityGroupRule"
TRAIL: Final = "aws:cloudtrail/trail:Trail"
TRAIL_FLAGS: Final = (
    ("isMultiRegionTrail", False),
    ("enableLogFileValidation", False),
    ("enableLogging", True),
    ("includeGlobalServiceEvents", True),
)
"""What a trail must have switched on, and what AWS does when nothing is said."""

ANYWHERE: Final = ("0.0.0.0/0", "::/0")
NO_RESOURCE: Final = ("cloudwatch:PutMetricData", "ecr:GetAuthorizationToken")
READING: Final = ("Get", "List", "Describe")


def _least_privilege(resource: Resource, settings: Settings) -> Iterator[str]:
    """Documents that name other resources are known at the update only, and are checked there."""
    key = "assumeRolePolicy" if resource.type == ROLE else "policy"
    if not states(resource.properties, key):
        yield f"{key} is absent"
        return
    document = later(resource.properties, key)
    if document is None:
        return
    try:
        statements = mappings(_listed(mapping(json.loads(text(document))).get("Statement")))
    except ValueError:
        yield f"{key} is no policy document"
        return
    allowed = set(settings.texts("anyResource"))
    for index, statement in enumerate(statements):
        if statement.get("Effect") != "Deny":
            wrong = _trust(statement) if resource.type == ROLE else _permission(statement, allowed)
            yield from (f"{key}.Statement[{index}] {one}" for one in wrong)


def _permission(statement: Properties, any_resource: set[str]) -> Iterator[str]:
    actions, resources = texts(_listed(statement.get("Action"))), texts(_listed(statement.get("Resource")))
    if not actions:
        yield "names no Action; NotAction allows everything else"
    for action in actions:
        verb = action.partition(":")[2]
        if action == "*" or verb == "*":
            yield f"allows {action}; name the actions"
        elif "*" in resources and action not in any_resource and not verb.startswith(READING):
            yield f"allows {action} on every resource; name them"


def _trust(statement: Properties) -> Iterator[str]:
    principal = statement.get("Principal")
    if principal == "*" or "*" in texts(_listed(mapping(principal).get("AWS"))):
        yield "lets everybody in the world take the role"
    if states(mapping(principal), "Federated"):
        conditions = mapping(statement.get("Condition"))
        keys = [key for operator in conditions for key in mapping(conditions.get(operator))]
        if not any(key.endswith(":sub") for key in keys):
            yield "trusts a whole identity provider; bind it to one subject by a condition on sub"


def _listed(value: Value) -> Value:
    """AWS lets one thing stand for a list of one."""
    return [value] if isinstance(value, str) or is_mapping(value) else value


def _audited(resources: Sequence[Resource], settings: Settings) -> Iterator[Violation]:
    """What encrypts a trail is known at the update only, so the key is the encryption of the program's tests."""
    if not settings.flag("required"):
        return
    trails = [one for one in resources if one.type == TRAIL]
    if not trails:
        yield Violation("nobody can say later who changed what: there is no trail")
    for trail in trails:
        for key, absent in TRAIL_FLAGS:
            if trail.properties.get(key, absent) is not True:
                yield Violation(f"{key} is {shown(trail.properties.get(key))}; allowed is true", trail)


def _closed_ports(resource: Resource, settings: Settings) -> Iterator[str]:
    properties, allowed = resource.properties, settings.texts("ports")
    if resource.type == GROUP:
        for index, rule in enumerate(mappings(properties.get("ingress"))):
            blocks = [*texts(rule.get("cidrBlocks")), *texts(rule.get("ipv6CidrBlocks"))]
            yield from (f"ingress[{index}] {wrong}" for wrong in _open(rule, blocks, allowed))
    elif resource.type == OLD_RULE:
        if properties.get("type") == "ingress":
            blocks = [*texts(properties.get("cidrBlocks")), *texts(properties.get("ipv6CidrBlocks"))]
            yield from _open(properties, blocks, allowed)
    else:
        blocks = [text(properties.get("cidrIpv4")), text(properties.get("cidrIpv6"))]
        yield from _open(properties, blocks, allowed)


def _open(rule: Properties, blocks: list[str], allowed: list[str]) -> Iterator[str]:
    for block in blocks:
        if block in ANYWHERE:
            first, last = number(rule.get("fromPort")), number(rule.get("toPort"))
            if first is None or first != last or f"{first:g}" not in allowed:
                yield f"lets {block} in on ports {shown(first)} to {shown(last)}; allowed are {' and '.join(allowed)}"


LEAST_PRIVILEGE: Final = ResourceRule(
    id="DAT-08",
    name="least-privilege",
    severity=Severity.CRITICAL,
    says="Permissions name actions and resources; roles are taken by one known subject.",
    why="With a wildcard one leaked credential is the whole account.",
    fix="List actions and ARNs; bind sts:AssumeRoleWithWebIdentity to the subject.",
    source="Checkov CKV_AWS_61-63, 290, 355; CIS AWS 1.16",
    types=(*POLICY_TYPES, ROLE),
    check=_least_privilege,
    tunables=(Tunable("anyResource", Kind.TEXTS, list(NO_RESOURCE), "actions for which AWS knows no resource"),),
    breaks=(
        Break("permissions", "/policy", '{"Statement": [{"Action": "*", "Resource": "*"}]}', later=True),
        Break("permissions", "/policy", '{"Statement": {"Action": "s3:*", "Resource": "arn:aws:s3:::b"}}', later=True),
        Break("permissions", "/policy", '{"Statement": [{"Action": "s3:PutObject", "Resource": "*"}]}', later=True),
        Break("permissions", "/policy", '{"Statement": [{"NotAction": "s3:Get*", "Resource": "*"}]}', later=True),
        Break("permissions", "/policy", "not a document", later=True),
        Break("trust", "/assumeRolePolicy", '{"Statement": [{"Principal": "*"}]}', later=True),
        Break("trust", "/assumeRolePolicy", '{"Statement": [{"Principal": {"Federated": "arn"}}]}', later=True),
        Break("trust", "/assumeRolePolicy", later=True),
    ),
)

CLOSED_PORTS: Final = ResourceRule(
    id="DAT-08b",
    name="closed-ports",
    severity=Severity.CRITICAL,
    says="From everywhere only 80 and 443 reach in; never SSH, never a database.",
    why="An open port is tried by strangers before anybody has logged in for the first time.",
    fix="Name the private range, or the security group, that may come in.",
    source="Checkov CKV_AWS_24, 25, 260, 277; CIS AWS 5.2",
    types=(GROUP, INGRESS, OLD_RULE),
    check=_closed_ports,
    tunables=(Tunable("ports", Kind.TEXTS, ["80", "443"], "ports that everybody may reach"),),
    breaks=(
        Break("ingress rule", "/cidrIpv4", "0.0.0.0/0"),
        Break("ingress rule", "/cidrIpv6", "::/0"),
        Break("security group", "/ingress", [{"fromPort": 22, "toPort": 22, "cidrBlocks": ["0.0.0.0/0"]}]),
    ),
)

AUDIT_TRAIL: Final = StackRule(
    id="DAT-11",
    name="audit-trail",
    severity=Severity.HIGH,
    says="Every change of the account is written down, in every region, so that nobody can rewrite it unseen.",
    why="After an incident, and in every audit, the first question is who changed what; without a trail nobody knows.",
    fix="Declare a Trail over all regions with log file validation and a key, writing to the bucket for logs.",
    source="Checkov CKV_AWS_35, 36, 67, 251, 252; CIS AWS 3.1, 3.2, 3.7",
    types=(TRAIL,),
    check=_audited,
    tunables=(Tunable("required", Kind.FLAG, True, "whether the stack must keep a trail"),),
    breaks=(
        Break("trail", ""),
        Break("trail", "/isMultiRegionTrail", False),
        Break("trail", "/enableLogFileValidation"),
        Break("trail", "/enableLogging", False),
        Break("trail", "/includeGlobalServiceEvents", False),
    ),
)

RULES: Final = (LEAST_PRIVILEGE, CLOSED_PORTS, AUDIT_TRAIL)
