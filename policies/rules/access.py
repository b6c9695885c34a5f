"""Rules of access: least privilege in the account, closed ports."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Final

from pulumi_policy import Severity

from policies.blocks import is_world
from policies.reading import Properties, Value, later, mappings, number, shown, states, text, texts
from policies.rule import Break, Resource, ResourceRule
from policies.statements import (
    IDENTITY_DOCUMENTS,
    RESOURCE_DOCUMENTS,
    ROLE,
    NotADocument,
    Statement,
    every,
    managed,
    permissions,
    statements,
)
from policies.tunables import Kind, Settings, Tunable

ATTACHMENTS: Final = (
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
)
GROUP: Final = "aws:ec2/securityGroup:SecurityGroup"
DEFAULT_GROUP: Final = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
INGRESS: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
OLD_RULE: Final = "aws:ec2/securityGroupRule:SecurityGroupRule"
PREFIX_LIST: Final = "aws:ec2/managedPrefixList:ManagedPrefixList"
PREFIX_ENTRY: Final = "aws:ec2/managedPrefixListEntry:ManagedPrefixListEntry"
FUNCTION_URL: Final = "aws:lambda/functionUrl:FunctionUrl"
FUNCTION_PERMISSION: Final = "aws:lambda/permission:Permission"
CONTROL_PROTOCOLS: Final = ("icmp", "icmpv6", "1", "58")
"""Messages about the way, without ports: without them large packets get lost."""
EVERY_PROTOCOL: Final = ("-1", "all")

NO_RESOURCE: Final = ("cloudwatch:PutMetricData", "ecr:GetAuthorizationToken")
READING: Final = ("BatchGet", "Describe", "Get", "List")
DATA: Final = (
    "athena:GetQueryResults",
    "dynamodb:BatchGetItem",
    "dynamodb:GetItem",
    "dynamodb:GetRecords",
    "ec2:GetPasswordData",
    "kinesis:GetRecords",
    "lambda:GetFunction",
    "rds-data:BatchGet",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameter",
    "ssm:GetParameterHistory",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
    "sts:GetFederationToken",
    "sts:GetSessionToken",
)
"""Actions that begin as reading and give away data or credentials: they need a resource as writing does."""
BROAD_POLICIES: Final = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")
EXACT_OPERATORS: Final = (
    "StringEquals",
    "StringEqualsIgnoreCase",
    "StringLike",
    "ForAnyValue:StringEquals",
    "ForAnyValue:StringLike",
)
KNOWN_SEGMENTS: Final = 3
"""So many parts of a subject must be written out: system:serviceaccount:shop, repo:org/app."""
CALLER_CONDITIONS: Final = (
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "kms:calleraccount",
    "lambda:functionurlauthtype",
    "s3:dataaccesspointaccount",
)
"""Conditions that bind every principal to a known caller (Service Authorization Reference, global condition keys)."""


def _least_privilege(resource: Resource, settings: Settings) -> Iterator[str]:
    """Documents that name other resources are known at the update only, and are checked there."""
    allowed = set(settings.texts("anyResource"))
    for where, document in permissions(resource):
        yield from _judged(where, document, lambda one: _permission(one, allowed))
    for arn in managed(resource):
        name = arn.rpartition("/")[2]
        if name in BROAD_POLICIES or (name.endswith("FullAccess") and arn.startswith("arn:aws:iam::aws:")):
            yield f"attaches {name}, which names no resource; write what is needed"
    if resource.type == ROLE:
        if not states(resource.properties, "assumeRolePolicy"):
            yield "assumeRolePolicy is absent"
        else:
            yield from _judged("assumeRolePolicy", later(resource.properties, "assumeRolePolicy"), _trust)
    elif resource.type in RESOURCE_DOCUMENTS:
        key = RESOURCE_DOCUMENTS[resource.type]
        if states(resource.properties, key):
            yield from _judged(key, later(resource.properties, key), _shared)
    else:
        yield from _callable(resource)


def _callable(resource: Resource) -> Iterator[str]:
    """Problems of the principals that may call a function."""
    properties = resource.properties
    if resource.type == FUNCTION_URL and properties.get("authorizationType") != "AWS_IAM":
        yield "authorizationType is not AWS_IAM, so anyone on the internet may call the function"
    bound = any(states(properties, key) for key in ("sourceAccount", "sourceArn", "principalOrgId"))
    if resource.type == FUNCTION_PERMISSION and properties.get("principal") == "*" and not bound:
        yield "principal is *, so anyone on the internet may call the function; name sourceArn or principalOrgId"


def _judged(where: str, document: Value, check: Callable[[Statement], Iterator[str]]) -> Iterator[str]:
    if document is None:
        return
    try:
        found = statements(document, where)
    except NotADocument as error:
        yield str(error)
        return
    for one in found:
        if one.allows:
            yield from (f"{one.where} {wrong}" for wrong in check(one))


def _permission(statement: Statement, any_resource: set[str]) -> Iterator[str]:
    for key in statement.excepted:
        yield f"has {key}, which allows everything else"
    if not statement.actions and not statement.excepted:
        yield "names no Action"
    wide = [one for one in statement.resources if _is_every(one)]
    for action in statement.actions:
        service, _, verb = action.partition(":")
        begun = verb.partition("*")[0].partition("?")[0]
        if "*" in service or ("*" in verb and not begun.startswith(READING)):
            yield f"allows {action}; name the actions"
        elif wide and action not in any_resource and (not begun.startswith(READING) or _reads_data(action)):
            yield f"allows {action} on {wide[0]}, every resource; name them"


def _reads_data(action: str) -> bool:
    return any(fnmatchcase(one.lower(), action.lower()) for one in DATA)


def _is_every(resource: str) -> bool:
    """True if an ARN is of everything of a service: its resource part begins with a wildcard."""
    parts = resource.split(":", 5)
    return resource == "*" or len(parts) < 6 or parts[5].lstrip("/")[:1] in ("*", "?")


def _trust(statement: Statement) -> Iterator[str]:
    if statement.everybody and not _is_bound(statement):
        yield "allows every AWS account to assume the role"
    if "NotPrincipal" in statement.excepted:
        yield "has NotPrincipal, which allows every other principal to assume the role"
    if "Federated" in statement.principals:
        subjects = [
            value
            for operator, keys in statement.conditions.items()
            if operator in EXACT_OPERATORS
            for key in keys
            if key.endswith(":sub")
            for value in every(keys.get(key))
        ]
        if not subjects:
            yield "trusts a whole identity provider; bind it to one subject by a condition on sub"
        for subject in subjects:
            known = re.split(r"[:/]", re.split(r"[*?]", subject)[0])
            if re.search(r"[*?]", subject) and len([one for one in known[:-1] if one]) < KNOWN_SEGMENTS:
                yield f"trusts the subjects {subject}, which is no single subject; name one"


def _shared(statement: Statement) -> Iterator[str]:
    """Problems of a resource's own policy that lets others in."""
    if statement.everybody and not _is_bound(statement):
        yield "allows every principal; name principals, or add a condition on aws:PrincipalOrgID or aws:SourceArn"
    if "NotPrincipal" in statement.excepted:
        yield "has NotPrincipal, which allows every other principal"


def _is_bound(statement: Statement) -> bool:
    """True if a condition binds every principal to a known caller; one that only excludes principals does not."""
    return any(
        key.lower() in CALLER_CONDITIONS and not any(value == "*" for value in every(keys.get(key)))
        for operator, keys in statement.conditions.items()
        if "Not" not in operator and not operator.endswith("IfExists") and operator != "Null"
        for key in keys
    )


def _closed_ports(resource: Resource, settings: Settings) -> Iterator[str]:
    properties, allowed = resource.properties, settings.texts("ports")
    if resource.type in (GROUP, DEFAULT_GROUP):
        for index, rule in enumerate(mappings(properties.get("ingress"))):
            yield from (f"ingress[{index}] {wrong}" for wrong in _open(rule, _old_blocks(rule), allowed))
    elif resource.type == OLD_RULE:
        if properties.get("type") == "ingress":
            yield from _open(properties, _old_blocks(properties), allowed)
    elif resource.type == INGRESS:
        blocks = [text(properties.get("cidrIpv4")), text(properties.get("cidrIpv6"))]
        yield from _open(properties, blocks, allowed, "ipProtocol")
    else:
        entries = mappings(properties.get("entries")) if resource.type == PREFIX_LIST else [properties]
        for block in (text(one.get("cidr")) for one in entries):
            if is_world(block):
                yield f"holds {block}, so every rule with this list is open to the internet; name the allowed range"


def _old_blocks(rule: Properties) -> list[str]:
    return [*texts(rule.get("cidrBlocks")), *texts(rule.get("ipv6CidrBlocks"))]


def _open(rule: Properties, blocks: list[str], allowed: list[str], key: str = "protocol") -> Iterator[str]:
    protocol = text(rule.get(key)) or shown(rule.get(key))
    if protocol in CONTROL_PROTOCOLS:
        return
    # Of all protocols AWS opens every port, whatever the rule says of ports.
    every_port = protocol in EVERY_PROTOCOL
    for block in blocks:
        if is_world(block):
            first, last = (None, None) if every_port else (number(rule.get("fromPort")), number(rule.get("toPort")))
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
    types=(*IDENTITY_DOCUMENTS, *RESOURCE_DOCUMENTS, ROLE, *ATTACHMENTS, FUNCTION_URL, FUNCTION_PERMISSION),
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
    why="An open port is scanned and attacked within minutes.",
    fix="Name the private range, or the security group, that may come in.",
    source="Checkov CKV_AWS_24, 25, 260, 277; CIS AWS 5.2",
    types=(GROUP, DEFAULT_GROUP, INGRESS, OLD_RULE, PREFIX_LIST, PREFIX_ENTRY),
    check=_closed_ports,
    tunables=(Tunable("ports", Kind.TEXTS, ["80", "443"], "ports that the whole internet may reach"),),
    breaks=(
        Break("ingress rule", "/cidrIpv4", "0.0.0.0/0"),
        Break("ingress rule", "/cidrIpv6", "::/0"),
        Break("security group", "/ingress", [{"fromPort": 22, "toPort": 22, "cidrBlocks": ["0.0.0.0/0"]}]),
    ),
)

AREA: Final = "Access"
RULES: Final = (LEAST_PRIVILEGE, CLOSED_PORTS)
