"""Two things of S3 that moto has not, or not any more.

A retention lock can be put on a bucket that holds objects already; moto refuses that, as S3 did until 2023.

Bucket policies with conditions: moto ignores them, so a policy that denies plain HTTP would deny every call.

Loopback counts as secure transport: the traffic never leaves the machine, and the server has no certificate. A
statement whose conditions are decided against it here is left out before moto looks at the policy. Conditions on other
keys stay as moto has them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.exceptions import InvalidBucketState
from moto.s3.models import FakeBucket, S3Backend

Conditions: TypeAlias = Mapping[str, Mapping[str, str | bool | list[str]]]
Statement: TypeAlias = Mapping[str, Conditions]

CONTEXT = {"aws:securetransport": "true", "s3:tlsversion": "1.3"}
"""Context that is true of every call on this server, by condition key in lower case."""

_OPERATORS: dict[str, Callable[[str, list[str]], bool]] = {
    "bool": lambda actual, wanted: actual in wanted,
    "stringequals": lambda actual, wanted: actual in wanted,
    "numericlessthan": lambda actual, wanted: any(float(actual) < float(one) for one in wanted),
    "numericgreaterthanequals": lambda actual, wanted: any(float(actual) >= float(one) for one in wanted),
}


def applies(conditions: Conditions) -> bool:
    """True if a statement with these conditions can apply here; a condition we cannot decide does not exclude it."""
    for operator, keys in conditions.items():
        decide = _OPERATORS.get(operator.lower().removesuffix("ifexists"))
        for key, wanted in keys.items():
            actual = CONTEXT.get(key.lower())
            if decide and actual is not None and not decide(actual, _texts(wanted)):
                return False
    return True


def _texts(wanted: str | bool | list[str]) -> list[str]:
    every = wanted if isinstance(wanted, list) else [wanted]
    return [str(one).lower() for one in every]


def without_undone_statements(policy: bytes) -> bytes:
    """The policy with only the statements that can apply here."""
    document = json.loads(policy)
    statements = document["Statement"]
    every: list[Statement] = statements if isinstance(statements, list) else [statements]
    kept = [statement for statement in every if applies(statement.get("Condition") or {})]
    return json.dumps({**document, "Statement": kept}).encode()


def get_permission(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    """Moto's judgement by the reduced policy; what the bucket stores and returns stays as it was put."""
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = IAMPolicy(without_undone_statements(bucket.policy).decode())
    return policy.is_action_permitted(action, resource)


def put_object_lock_configuration(
    backend: S3Backend,
    bucket_name: str,
    lock_enabled: bool,
    mode: str | None = None,
    days: int | None = None,
    years: int | None = None,
) -> None:
    """Moto's own without its refusal of a bucket in use: versions that are there stay without a lock."""
    bucket = backend.get_bucket(bucket_name)
    if not bucket.is_versioned:
        raise InvalidBucketState("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
    bucket.object_lock_enabled = bucket.object_lock_enabled or lock_enabled
    bucket.default_lock_mode, bucket.default_lock_days, bucket.default_lock_years = mode, days, years


def extend() -> None:
    """Put ours in the place of moto's own, which has no table to register it in."""
    FakeBucket.get_permission = get_permission
    S3Backend.put_object_lock_configuration = put_object_lock_configuration
