"""Keys that are renewed and cannot vanish at once, and secrets with a key of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from policies.clear_texts import PARAMETER
from policies.reading import Properties, later, mappings, number, shown, states, text
from policies.rule import Break, Resource, ResourceRule
from policies.rules.data import KEY, must
from policies.tunables import Kind, Settings, Tunable

REPLICA_KEY: Final = "aws:kms/replicaKey:ReplicaKey"
SECRET: Final = "aws:secretsmanager/secret:Secret"  # noqa: S105 - a resource type
RENEWED: Final = ("", "SYMMETRIC_DEFAULT")
"""Specifications of keys that KMS renews by itself (AWS KMS Developer Guide, automatic key rotation)."""
LONGEST_PERIOD_DAYS: Final = 366
SHARED: Final = "alias/aws/"
"""Prefix of the names of keys that AWS keeps for the whole account."""


def _rotated_key(resource: Resource, settings: Settings) -> Iterator[str]:
    properties = resource.properties
    if resource.type == KEY and text(properties.get("customerMasterKeySpec")) in RENEWED:
        yield from must(properties, enableKeyRotation=True)
        period = number(properties.get("rotationPeriodInDays"))
        if period is not None and period > LONGEST_PERIOD_DAYS:
            yield f"rotationPeriodInDays is {period:g}; it must be at most {LONGEST_PERIOD_DAYS}"
    days = number(properties.get("deletionWindowInDays"))
    least = settings.number("deletionDays")
    if days is None or days < least:
        yield f"deletionWindowInDays is {shown(days)}; it must be at least {least:g}: a deleted key is lost data"


def _own_key(resource: Resource, settings: Settings) -> Iterator[str]:
    properties = resource.properties
    if resource.type == PARAMETER:
        if properties.get("type") == "SecureString":
            yield from _key_of(properties, "keyId")
        return
    yield from _key_of(properties, "kmsKeyId")
    for index, replica in enumerate(mappings(properties.get("replicas"))):
        yield from (f"replicas[{index}].{wrong}" for wrong in _key_of(replica, "kmsKeyId"))


def _key_of(holder: Properties, name: str) -> Iterator[str]:
    """A key that is made in the same program is known at the update only."""
    if not states(holder, name):
        yield f"{name} is absent: the account's shared key lets every administrator read it"
        return
    key = later(holder, name)
    if key == "" or SHARED in text(key):
        yield f"{name} is {shown(key)}, the account's shared key, by which every administrator reads it"


ROTATED_KEY: Final = ResourceRule(
    id="DAT-07",
    name="rotated-key",
    severity=Severity.HIGH,
    says="Keys are renewed every year and cannot vanish at once.",
    why="An old key has been seen by more people; a deleted one takes all data with it.",
    fix="Set enableKeyRotation and deletionWindowInDays.",
    source="Checkov CKV_AWS_7; CIS AWS 3.6",
    types=(KEY, REPLICA_KEY),
    check=_rotated_key,
    tunables=(Tunable("deletionDays", Kind.NUMBER, 7, "fewest days before a deleted key is gone"),),
    breaks=(
        Break("key", "/enableKeyRotation", False),
        Break("key", "/enableKeyRotation"),
        Break("key", "/deletionWindowInDays"),
    ),
)

OWN_KEY: Final = ResourceRule(
    id="DAT-07b",
    name="secret-with-own-key",
    severity=Severity.MEDIUM,
    says="Secrets are encrypted by a key of one's own.",
    why="Who may use the key is then decided, and written down, apart from who may list secrets.",
    fix="Set kmsKeyId, of each replica too; keyId of a parameter.",
    source="Checkov CKV_AWS_149",
    types=(SECRET, PARAMETER),
    check=_own_key,
    breaks=(Break("secret", "/kmsKeyId", later=True),),
)

AREA: Final = "Data"
RULES: Final = (ROTATED_KEY, OWN_KEY)
