"""The evaluation of policies, by the rules of the IAM User Guide."""

from __future__ import annotations

import json

import pytest

from localcloud.aws.permissions.documents import PolicyError, parse
from localcloud.aws.permissions.evaluation import Call, Caller, Policies, decide
from localcloud.aws.permissions.matching import hold, like

ROLE = "arn:aws:iam::123456789012:role/backup"
CALLER = Caller("arn:aws:sts::123456789012:assumed-role/backup/session", "123456789012", ROLE)
DUMP = "arn:aws:s3:::backups/db/1"


def policy(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: object = "s3:PutObject", resource: object = "*", **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: object = "s3:PutObject", resource: object = "*", **more: object) -> dict[str, object]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def allowed(*statements: dict[str, object], call: Call | None = None, resource: str | None = None) -> bool:
    asked = call or Call("s3:PutObject", DUMP)
    policies = Policies(parse(policy(*statements)), parse(resource) if resource else None)
    return decide(asked, CALLER, policies).allowed


def test_nothing_is_allowed_that_no_policy_allows() -> None:
    refused = decide(Call("s3:PutObject", DUMP), CALLER, Policies(parse(policy(allow("s3:GetObject")))))
    assert (refused.allowed, refused.reason) == (
        False, "because no identity-based policy allows the s3:PutObject action",
    )  # fmt: skip


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:putobject", "s3:Put*", "s3:P?tObject", "*", "s3:*"])
def test_actions_match_by_wildcards_and_in_any_case(action: str) -> None:
    assert allowed(allow(action))


@pytest.mark.parametrize(
    ("resource", "matches"),
    [
        (DUMP, True),
        ("arn:aws:s3:::backups/db/*", True),
        ("arn:aws:s3:::backups/*", True),
        ("arn:aws:s3:::backups/DB/*", False),
        ("arn:aws:s3:::backups", False),
        (["arn:aws:s3:::other/*", DUMP], True),
        ("arn:aws:s3:::${aws:PrincipalTag/team}/*", False),
        ("arn:aws:s3:::${aws:bucket}/db/1", True),
    ],
)
def test_resources_match_in_full_by_wildcards_and_variables(resource: object, matches: bool) -> None:
    call = Call("s3:PutObject", DUMP, {"aws:bucket": ("backups",)})
    assert allowed(allow(resource=resource), call=call) is matches


def test_an_explicit_deny_wins_over_every_allow() -> None:
    assert not allowed(allow(), deny(resource="arn:aws:s3:::backups/*"))
    refused = decide(Call("s3:PutObject", DUMP), CALLER, Policies(parse(policy(allow(), deny()))))
    assert refused.reason == "with an explicit deny in an identity-based policy"


def test_a_deny_of_the_resources_policy_wins_too() -> None:
    document = policy(deny(Principal="*"))
    assert not allowed(allow(), resource=document)
    refused = decide(Call("s3:PutObject", DUMP), CALLER, Policies(parse(policy(allow())), parse(document)))
    assert refused.reason == "with an explicit deny in a resource-based policy"


def test_a_deny_whose_condition_does_not_hold_denies_nothing() -> None:
    document = policy(deny(Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}}))
    secure = Call("s3:PutObject", DUMP, {"aws:securetransport": ("true",)})
    plain = Call("s3:PutObject", DUMP, {"aws:securetransport": ("false",)})
    assert allowed(allow(), call=secure, resource=document)
    assert not allowed(allow(), call=plain, resource=document)


@pytest.mark.parametrize(
    ("principal", "grants"),
    [
        ({"AWS": ROLE}, True),
        ({"AWS": CALLER.arn}, True),
        ("*", True),
        ({"AWS": "arn:aws:iam::123456789012:root"}, False),
        ({"AWS": "arn:aws:iam::123456789012:role/other"}, False),
        ({"Service": "logging.s3.amazonaws.com"}, False),
    ],
)
def test_a_resources_policy_grants_to_those_it_names_and_leaves_the_account_to_iam(
    principal: object, grants: bool
) -> None:
    document = policy(allow(Principal=principal))
    assert allowed(allow("s3:GetObject"), resource=document) is grants


@pytest.mark.parametrize(
    ("principal", "identity", "outcome"),
    [
        ({"AWS": "arn:aws:iam::123456789012:root"}, "kms:Decrypt", True),
        ({"AWS": "arn:aws:iam::123456789012:root"}, "kms:Encrypt", False),
        ({"AWS": "arn:aws:iam::123456789012:role/other"}, "kms:Decrypt", False),
        ({"AWS": ROLE}, "kms:Encrypt", True),
    ],
)
def test_a_key_decides_by_its_own_policy_who_may_use_it(principal: object, identity: str, outcome: bool) -> None:
    key = parse(policy(allow("kms:*", Principal=principal)))
    policies = Policies(parse(policy(allow(identity))), key, resource_decides=True)
    assert decide(Call("kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/1"), CALLER, policies).allowed is outcome


def test_what_is_left_out_is_not_meant() -> None:
    statement = {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::private/*"}
    assert allowed(statement)
    assert not allowed(statement, call=Call("iam:CreateRole", DUMP))
    assert not allowed(statement, call=Call("s3:PutObject", "arn:aws:s3:::private/1"))


CONDITIONS = [
    ("StringEquals", "prod", ("prod",), True),
    ("StringEquals", "prod", ("Prod",), False),
    ("StringEquals", ["dev", "prod"], ("prod",), True),
    ("StringEquals", "prod", None, False),
    ("StringEqualsIfExists", "prod", None, True),
    ("StringNotEquals", ["dev", "prod"], ("prod",), False),
    ("StringNotEquals", "dev", ("prod",), True),
    ("StringNotEquals", "dev", None, True),
    ("StringEqualsIgnoreCase", "PROD", ("prod",), True),
    ("StringLike", "pr*", ("prod",), True),
    ("StringNotLike", "pr*", ("prod",), False),
    ("ArnLike", "arn:aws:iam::*:role/x", ("arn:aws:iam::123456789012:role/x",), True),
    ("ArnLike", "arn:aws:*:role/x", ("arn:aws:iam::123456789012:role/x",), False),
    ("ArnEquals", "arn:aws:s3:::b", ("arn:aws:s3:::b",), True),
    ("Bool", True, ("true",), True),
    ("Bool", "false", ("true",), False),
    ("Null", "true", None, True),
    ("Null", "false", None, False),
    ("Null", "false", ("x",), True),
    ("NumericLessThan", 10, ("9",), True),
    ("NumericLessThan", 10, ("10",), False),
    ("NumericLessThanEquals", 10, ("10",), True),
    ("NumericGreaterThan", 10, ("10",), False),
    ("NumericGreaterThanEquals", 10, ("10",), True),
    ("NumericEquals", 10, ("10",), True),
    ("NumericNotEquals", 10, ("10",), False),
    ("IpAddress", "10.0.0.0/8", ("10.1.2.3",), True),
    ("NotIpAddress", "10.0.0.0/8", ("10.1.2.3",), False),
    ("ForAllValues:StringEquals", ["TXT"], ("TXT", "TXT"), True),
    ("ForAllValues:StringEquals", ["TXT"], ("TXT", "A"), False),
    ("ForAllValues:StringEquals", ["TXT"], None, True),
    ("ForAnyValue:StringEquals", ["TXT"], ("TXT", "A"), True),
    ("ForAnyValue:StringEquals", ["TXT"], ("A",), False),
    ("ForAnyValue:StringEquals", ["TXT"], None, False),
]


@pytest.mark.parametrize(("operator", "wanted", "actual", "holds"), CONDITIONS)
def test_each_operator_compares_as_the_guide_says(
    operator: str, wanted: object, actual: tuple[str, ...] | None, holds: bool
) -> None:
    (statement,) = parse(policy(allow(Condition={operator: {"aws:Key": wanted}})))
    assert hold(statement.conditions, {} if actual is None else {"aws:key": actual}) is holds


def test_every_condition_of_a_statement_must_hold() -> None:
    both = {"StringEquals": {"a:One": "1", "a:Two": "2"}}
    assert allowed(allow(Condition=both), call=Call("s3:PutObject", DUMP, {"a:one": ("1",), "a:two": ("2",)}))
    assert not allowed(allow(Condition=both), call=Call("s3:PutObject", DUMP, {"a:one": ("1",), "a:two": ("1",)}))


def test_a_literal_star_is_no_wildcard() -> None:
    assert like("a[*]", "a*")
    assert not like("a[*]", "ab")


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("{", "no JSON"),
        ("{}", "no Statement"),
        (policy({"Effect": "Maybe"}), "Effect is 'Maybe'; allowed are Allow, Deny"),
        (policy({"Effect": "Deny", "NotPrincipal": "*"}), "has NotPrincipal; known are Action, Condition"),
        (policy(allow(Principal="someone")), "Principal is 'someone'"),
    ],
)
def test_a_document_that_cannot_be_evaluated_is_refused_by_name(document: str, says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        parse(document)


def test_an_operator_unknown_here_is_refused_by_name() -> None:
    statement = allow(Condition={"DateLessThan": {"aws:CurrentTime": "2026-01-01"}})
    with pytest.raises(PolicyError, match="condition operator DateLessThan is not known here"):
        allowed(statement)
