"""The engine's streaming JSON preview, read line by line into typed values.

``pulumi preview --json`` alone drops what policies say; with PULUMI_ENABLE_STREAMING_JSON_PREVIEW=1 each line is one
event. A stack of five hundred resources is some fifty megabytes, so nothing is kept but what the report needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | int | bool | None"
Object: TypeAlias = Mapping[str, Json]

BASE_PACK: Final = "contentgen-base"
"""The name by which the base's pack answers, which distinguishes its findings from those of the head's."""
SKIPPED: Final = "can't run policy"
EXEMPT: Final = "[exempt]"
FAREWELL: Final = re.compile(r"Detected that \S+ exited prematurely")
"""Message of the engine that a plugin took more than five seconds to end, which a busy machine may. The computed steps
are whole all the same: a plugin that ends any earlier fails the call it is in, and with it the preview.
"""

KNOWN_EVENTS: Final = frozenset(
    {"preludeEvent", "summaryEvent", "resourcePreEvent", "resOutputsEvent", "diagnosticEvent", "policyEvent"}
)


class ReportError(Exception):
    """A preview that cannot be reported on; the message says which, what is wrong with it, and the fix."""


class Operation(StrEnum):
    """Operation on a resource. The engine has more words for the steps of a replacement; they count once."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    SAME = "same"


_OPERATIONS: Final[Mapping[str, Operation]] = {
    "create": Operation.CREATE,
    "import": Operation.CREATE,
    "update": Operation.UPDATE,
    "replace": Operation.REPLACE,
    "import-replacement": Operation.REPLACE,
    "delete": Operation.DELETE,
    "discard": Operation.DELETE,
    "same": Operation.SAME,
}


@dataclass(frozen=True)
class Change:
    """One resource of a stack: what it was, what it becomes, which of its properties differ and how."""

    operation: Operation
    urn: str
    type: str
    provider: str = ""
    before: Object = field(default_factory=dict)
    after: Object = field(default_factory=dict)
    differing: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class Finding:
    """Finding of a policy; ``by_base`` of a policy of the pull request's base, which judges beside its own."""

    rule: str
    level: str
    severity: str
    message: str
    by_base: bool = False

    @property
    def skipped(self) -> bool:
        return self.message.startswith(SKIPPED)

    @property
    def exempt(self) -> bool:
        return self.message.startswith(EXEMPT)


@dataclass(frozen=True)
class Preview:
    """One stack's preview. ``errors`` are what ended it early, other than its policies."""

    stack: str
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    errors: tuple[str, ...]
    succeeded: bool

    def of(self, operation: Operation) -> list[Change]:
        return [one for one in self.changes if one.operation is operation]


def read(stack: str, path: Path) -> Preview:
    """A preview from its file, which may be cut off within a letter. Raises ReportError as ``parse`` does."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        return parse(stack, lines)


def parse(stack: str, lines: Iterable[str]) -> Preview:
    """Reads a preview. Raises ReportError for one that is empty, cut off, or of a version that speaks otherwise."""
    changes: dict[str, Change] = {}
    findings: list[Finding] = []
    errors: list[str] = []
    summary: Object | None = None
    count = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        event = _event(stack, number, line)
        count += 1
        if "resourcePreEvent" in event:
            _add(changes, _change(_object(event["resourcePreEvent"])))
        elif "policyEvent" in event:
            findings.append(_finding(_object(event["policyEvent"])))
        elif "diagnosticEvent" in event:
            errors += _error(_object(event["diagnosticEvent"]))
        elif "summaryEvent" in event:
            summary = _object(event["summaryEvent"])
    if count == 0:
        raise ReportError(f"{stack}: the preview is empty; fix: run it with PULUMI_ENABLE_STREAMING_JSON_PREVIEW=1")
    if summary is None:
        raise ReportError(f"{stack}: the preview is cut off after {count} events, its summary is missing; run it again")
    succeeded = summary.get("result") == "succeeded"
    if succeeded:
        errors = [error for error in errors if not FAREWELL.match(error)]
    # Several threads of the engine write events; the report must not depend on who was first.
    return Preview(
        stack,
        tuple(sorted(changes.values(), key=lambda one: one.urn)),
        tuple(sorted(set(findings), key=lambda one: (one.rule, one.message, one.level, one.by_base))),
        tuple(errors),
        succeeded,
    )


def complaints(lines: Iterable[str]) -> list[str]:
    """Errors in the events of an update, which may be cut off anywhere."""
    found: list[str] = []
    for line in lines:
        try:
            event: Json = json.loads(line)
        except ValueError:
            continue
        found += _error(_object(_object(event).get("diagnosticEvent")))
    return list(dict.fromkeys(found))


def _event(stack: str, number: int, line: str) -> Object:
    try:
        event: Json = json.loads(line)
    except ValueError:
        raise ReportError(f"{stack}: line {number} of the preview is no JSON; it is cut off, run it again") from None
    if not isinstance(event, dict) or "sequence" not in event:
        raise ReportError(
            f"{stack}: line {number} is no event of the engine; fix: run the preview with "
            "PULUMI_ENABLE_STREAMING_JSON_PREVIEW=1, which engines since 3.230 have"
        )
    if number == 1 and not KNOWN_EVENTS & set(event) and len(event) == 2:
        raise ReportError(f"{stack}: the events of this engine have other names; this report knows those of 3.255")
    return event


def _add(changes: dict[str, Change], change: Change | None) -> None:
    """A replacement is several steps on one URN; what counts is that it is one, and both its sides."""
    if change is None:
        return
    known = changes.get(change.urn)
    if known is None or known.operation is not Operation.REPLACE:
        changes[change.urn] = change


def _change(event: Object) -> Change | None:
    metadata = _object(event.get("metadata"))
    operation = _OPERATIONS.get(str(metadata.get("op")))
    if operation is None:
        return None
    old, new = _object(metadata.get("old")), _object(metadata.get("new"))
    either = new or old
    return Change(
        operation,
        str(metadata.get("urn")),
        str(metadata.get("type")),
        str(either.get("provider") or ""),
        _object(old.get("inputs")),
        _object(new.get("inputs")),
        _differing(metadata, operation),
    )


def _differing(metadata: Object, operation: Operation) -> dict[str, str]:
    """Property paths with how they differ: added, deleted, updated, and whether that replaces the resource."""
    if operation not in (Operation.UPDATE, Operation.REPLACE):
        return {}
    detailed = _object(metadata.get("detailedDiff"))
    if detailed:
        return {path: str(_object(one).get("diffKind")) for path, one in detailed.items()}
    keys = set(_texts(metadata.get("keys")))
    return {path: "update-replace" if path in keys else "update" for path in _texts(metadata.get("diffs"))}


def _finding(event: Object) -> Finding:
    return Finding(
        str(event.get("policyName")),
        str(event.get("enforcementLevel")),
        str(event.get("severity") or ""),
        str(event.get("message")).strip(),
        event.get("policyPackName") == BASE_PACK,
    )


def _error(event: Object) -> list[str]:
    """Error of the engine, with the resource it is about; that the preview failed says nothing by itself."""
    message = str(event.get("message")).strip()
    if event.get("severity") != "error" or message in ("preview failed", "update failed", ""):
        return []
    name = str(event.get("urn") or "").rpartition("::")[2]
    return [f"{name}: {message}" if name else message]


def _object(value: Json) -> Object:
    return value if isinstance(value, dict) else {}


def _texts(value: Json) -> Sequence[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
