"""Rules of the audit trail: it covers the whole account, and its log cannot be rewritten unseen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pulumi_policy import Severity

from policies.reading import Properties, mappings, shown, text, texts
from policies.rule import Break, Judged, Resource, StackRule, Violation, each
from policies.tunables import Kind, Settings, Tunable

TRAIL: Final = "aws:cloudtrail/trail:Trail"
TRAIL_FLAGS: Final = (
    ("isMultiRegionTrail", False),
    ("enableLogFileValidation", False),
    ("enableLogging", True),
    ("includeGlobalServiceEvents", True),
)
"""Flags that a trail must have switched on, and AWS' default for each."""


def _audited(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    """One whole trail is enough: another may be of one region, or of data. What encrypts a trail is known at the update
    only, so the key is the encryption of the program's tests.
    """
    if not settings.flag("required"):
        return
    if not resources:
        yield Violation("has no CloudTrail trail; declare one")
    judged = list(each(resources, lambda trail: (Violation(wrong, trail) for wrong in _lacking(trail.properties))))
    if len({one.resource.urn for one in judged if one.resource}) == len({one.urn for one in resources}):
        yield from judged


def _lacking(trail: Properties) -> Iterator[str]:
    """Gaps in a trail's coverage."""
    for key, absent in TRAIL_FLAGS:
        if trail.get(key, absent) is not True:
            yield f"{key} is {shown(trail.get(key))}; allowed is true"
    simple, advanced = mappings(trail.get("eventSelectors")), mappings(trail.get("advancedEventSelectors"))
    if (simple or advanced) and not any(map(_chooses_changes, simple)) and not any(map(_advanced_changes, advanced)):
        yield "its event selectors leave out who changed what; one must choose management events, writing included"


def _chooses_changes(selector: Properties) -> bool:
    """True if a selector takes management events of writing, which both are the default (CloudTrail API)."""
    return selector.get("includeManagementEvents") is not False and selector.get("readWriteType") != "ReadOnly"


def _advanced_changes(selector: Properties) -> bool:
    fields = {text(one.get("field")): texts(one.get("equals")) for one in mappings(selector.get("fieldSelectors"))}
    return "Management" in fields.get("eventCategory", ()) and fields.get("readOnly", ["false"]) != ["true"]


AUDIT_TRAIL: Final = StackRule(
    id="DAT-11",
    name="audit-trail",
    severity=Severity.HIGH,
    says="CloudTrail records every change of the account, in every region, with log file validation.",
    why="After an incident, and in every audit, the first question is who changed what; only a trail answers it.",
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

AREA: Final = "Access"
RULES: Final = (AUDIT_TRAIL,)
