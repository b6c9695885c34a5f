"""Rules of IAM, KMS, Secrets Manager, EC2 security groups and tags."""

from __future__ import annotations

import json
import re
from typing import Final

from localcloud.aws.rule import EVERY_TAGGED, Rule, pattern
from localcloud.provider.block import Block

ROLE: Final = "aws:iam/role:Role"
ROLE_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"
KEY_POLICY: Final = "aws:kms/keyPolicy:KeyPolicy"
TOPIC_POLICY: Final = "aws:sns/topicPolicy:TopicPolicy"
SECRET: Final = "aws:secretsmanager/secret:Secret"
SECRET_VERSION: Final = "aws:secretsmanager/secretVersion:SecretVersion"
SECURITY_GROUP: Final = "aws:ec2/securityGroup:SecurityGroup"
INGRESS: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"

LONGEST_TRUST: Final = 2048
LONGEST_GRANTS: Final = 10_240
LARGEST_SECRET: Final = 65_536
MOST_TAGS: Final = 50
LONGEST_TAG_NAME, LONGEST_TAG_VALUE = 128, 256
GROUP_TEXT: Final = r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}"
TAG_TEXT: Final = re.compile(r"[\w\s.:/=+\-@]*")


def statements(document: str) -> list[dict[str, object]]:
    """The statements of a policy document; none for a text that is no document."""
    try:
        found = json.loads(document)
    except ValueError:
        return []
    listed = found.get("Statement", []) if isinstance(found, dict) else []
    return [one for one in (listed if isinstance(listed, list) else [listed]) if isinstance(one, dict)]


def actions(statement: dict[str, object]) -> list[str]:
    """The actions of a statement, as a list."""
    given = statement.get("Action", [])
    return [str(one) for one in given] if isinstance(given, list) else [str(given)]


def foreign_actions(document: str, service: str) -> bool:
    """True if a document is none, or names an action of another service."""
    found = statements(document)
    mine = (f"{service}:", "*")
    return not found or any(not one.lower().startswith(mine) for statement in found for one in actions(statement))


def _size(document: str) -> int:
    return len(re.sub(r"\s", "", document))


def _locks_out(inputs: Block) -> bool:
    managing = {"kms:*", "kms:PutKeyPolicy", "*"}
    return not any(
        one.get("Effect") == "Allow" and managing & set(actions(one)) for one in statements(inputs.text("policy"))
    )


def _wrong_tags(inputs: Block) -> bool:
    tags = inputs.texts_by_name("tags")
    return len(tags) > MOST_TAGS or any(
        name.lower().startswith("aws:")
        or not 1 <= len(name) <= LONGEST_TAG_NAME
        or len(value) > LONGEST_TAG_VALUE
        or not TAG_TEXT.fullmatch(name)
        or not TAG_TEXT.fullmatch(value)
        for name, value in tags.items()
    )


RULES: Final = (
    Rule(
        "role-trust-size", ROLE, "assumeRolePolicy", f"{LONGEST_TRUST} characters at the most",
        "IAM User Guide, IAM and AWS STS quotas: role trust policy length",
        lambda inputs: _size(inputs.text("assumeRolePolicy")) > LONGEST_TRUST,
    ),
    Rule(
        "role-policy-size", ROLE_POLICY, "policy", f"{LONGEST_GRANTS} characters at the most",
        "IAM User Guide, IAM and AWS STS quotas: role inline policies",
        lambda inputs: _size(inputs.text("policy")) > LONGEST_GRANTS,
    ),
    Rule(
        "key-policy-lockout", KEY_POLICY, "policy", "a policy that lets a principal change it (kms:PutKeyPolicy)",
        "KMS API, PutKeyPolicy.BypassPolicyLockoutSafetyCheck", _locks_out,
    ),
    Rule(
        "topic-policy-actions", TOPIC_POLICY, "policy", "actions of sns only",
        "SNS API, SetTopicAttributes: policy statement action out of service scope",
        lambda inputs: foreign_actions(inputs.text("policy"), "sns"),
    ),
    pattern(
        "secret-name", SECRET, "name", r"[A-Za-z0-9/_+=.@-]+", "letters, digits and / _ + = . @ -",
        "Secrets Manager API, CreateSecret.Name",
    ),
    Rule(
        "secret-size", SECRET_VERSION, "secretString", f"{LARGEST_SECRET} bytes at the most",
        "Secrets Manager User Guide, Quotas: secret value size",
        lambda inputs: len(inputs.text("secretString").encode()) > LARGEST_SECRET,
    ),
    pattern(
        "group-description", SECURITY_GROUP, "description", GROUP_TEXT,
        "255 characters out of a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*", "EC2 API, CreateSecurityGroup.GroupDescription",
    ),
    pattern(
        "group-rule-description", INGRESS, "description", GROUP_TEXT,
        "255 characters out of a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*", "EC2 API, IpRange.Description",
    ),
    Rule(
        "tags", EVERY_TAGGED, "tags",
        f"{MOST_TAGS} tags, names of 1 to {LONGEST_TAG_NAME} and values of {LONGEST_TAG_VALUE} characters: letters, "
        "digits, spaces and . : / = + - @ _, no name that begins with aws:",
        "Tagging AWS resources, Tag naming limits and requirements", _wrong_tags,
    ),
)  # fmt: skip
