"""Statements of IAM documents, wherever a resource keeps one and whichever of the allowed forms it has.

Amazon IAM User Guide, "Grammar of the IAM JSON policy language": a statement, an action, a resource, a principal and
the value of a condition may each stand alone or in a list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final

from policies.reading import Properties, Value, is_mapping, items, later, mapping, mappings, states, text, texts
from policies.rule import Resource

IDENTITY_DOCUMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "aws:iam/policy:Policy": "policy",
        "aws:iam/rolePolicy:RolePolicy": "policy",
        "aws:iam/userPolicy:UserPolicy": "policy",
        "aws:iam/groupPolicy:GroupPolicy": "policy",
    }
)
"""Permissions of identities, and the property that holds them."""

RESOURCE_DOCUMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "aws:ecr/repositoryPolicy:RepositoryPolicy": "policy",
        "aws:kms/key:Key": "policy",
        "aws:kms/keyPolicy:KeyPolicy": "policy",
        "aws:s3/bucketPolicy:BucketPolicy": "policy",
        "aws:secretsmanager/secret:Secret": "policy",
        "aws:secretsmanager/secretPolicy:SecretPolicy": "policy",
        "aws:sns/topic:Topic": "policy",
        "aws:sns/topicPolicy:TopicPolicy": "policy",
        "aws:sqs/queue:Queue": "policy",
        "aws:sqs/queuePolicy:QueuePolicy": "policy",
    }
)
"""Permissions at a resource, which name who has them."""

ABSENT: Final = ""
"""No document at all; one that is not known yet is None."""
ROLE: Final = "aws:iam/role:Role"


@dataclass(frozen=True)
class Statement:
    """One statement, in lists. ``where`` is how a message calls it."""

    where: str
    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    principals: Mapping[str, tuple[str, ...]]
    conditions: Mapping[str, Properties]
    excepted: tuple[str, ...]
    """Negated elements of the statement, of NotAction, NotResource and NotPrincipal: everything but what they name is
    meant.
    """

    def may(self, action: str) -> bool:
        """True if its actions hold this one; letters of any case are the same to AWS."""
        return any(fnmatchcase(action.lower(), one.lower()) for one in self.actions)

    @property
    def everybody(self) -> bool:
        """True if its principal is the whole world."""
        return any(value == "*" for kind in ("AWS", "*") for value in self.principals.get(kind, ()))


class NotADocument(ValueError):
    """The text is no JSON document with statements."""


def statements(document: Value, where: str) -> list[Statement]:
    """The statements of a document, given as text or as an object. Raises NotADocument."""
    opened = document
    if not is_mapping(document):
        try:
            opened = json.loads(text(document))
        except ValueError:
            raise NotADocument(f"{where} is no policy document") from None
    found = mappings(listed(mapping(opened).get("Statement")))
    if not found:
        raise NotADocument(f"{where} has no statement")
    return [_statement(one, f"{where}.Statement[{index}]") for index, one in enumerate(found)]


def _statement(one: Properties, where: str) -> Statement:
    principal = one.get("Principal")
    principals = {"*": ("*",)} if principal == "*" else {key: every(value) for key, value in mapping(principal).items()}
    return Statement(
        where=where,
        allows=one.get("Effect") != "Deny",
        actions=every(one.get("Action")),
        resources=every(one.get("Resource")),
        principals=principals,
        conditions={operator: mapping(keys) for operator, keys in mapping(one.get("Condition")).items()},
        excepted=tuple(key for key in ("NotAction", "NotResource", "NotPrincipal") if states(one, key)),
    )


def listed(value: Value) -> Value:
    """AWS lets one thing stand for a list of one."""
    return [value] if isinstance(value, str) or is_mapping(value) else value


def every(value: Value) -> tuple[str, ...]:
    """The texts of one thing or of a list."""
    return tuple(texts(listed(value)))


def permissions(resource: Resource) -> Iterator[tuple[str, Value]]:
    """The documents by which an identity may do something, with their places; None for one that is not known yet."""
    key = IDENTITY_DOCUMENTS.get(resource.type)
    if key is not None:
        yield key, later(resource.properties, key) if states(resource.properties, key) else ABSENT
    if resource.type == ROLE:
        for index, one in enumerate(mappings(resource.properties.get("inlinePolicies"))):
            yield f"inlinePolicies[{index}].policy", later(one, "policy")


def managed(resource: Resource) -> Iterator[str]:
    """The ARNs of policies that a resource attaches to identities."""
    arn = later(resource.properties, "policyArn") if states(resource.properties, "policyArn") else None
    if arn is not None:
        yield text(arn)
    if states(resource.properties, "managedPolicyArns"):
        yield from texts(items(later(resource.properties, "managedPolicyArns")))
