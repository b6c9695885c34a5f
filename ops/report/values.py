"""Values at the property paths that the engine reports: ``spec.containers[0].image``, ``data["a.b"]``."""

from __future__ import annotations

import json
import re
from typing import Final

from ops.report.events import Change, Json
from ops.report.secrets import HIDDEN, clean, is_secret

LONGEST: Final = 120
"""Characters of one value in a diff; more is read in the code."""

_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_STEP: Final = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)')
_NOTHING: Final = object()


def at(value: Json, path: str) -> Json | object:
    """The value at a path, or a mark that there is none."""
    current: Json = value
    for quoted, index, key in _STEP.findall(path):
        name = quoted or key
        if isinstance(current, dict) and name in current:
            current = current[name]
        elif isinstance(current, list) and index and int(index) < len(current):
            current = current[int(index)]
        else:
            return _NOTHING
    return current


def difference(change: Change, path: str) -> tuple[str | None, str | None]:
    """Old and new value at a path, ready to be shown; None where there is nothing."""
    return _shown(change, path, dict(change.before)), _shown(change, path, dict(change.after))


def _shown(change: Change, path: str, whole: Json) -> str | None:
    value = at(whole, path)
    if value is _NOTHING:
        return None
    if (
        is_secret(change.type, path)
        or _holds_secret(change.type, path, value)
        or _named_secret(change.type, path, whole)
    ):
        return HIDDEN
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    text = clean(text.replace(_UNKNOWN, "[known after the update]")).replace("\n", "\\n").replace("`", "'")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _named_secret(type_: str, path: str, whole: Json) -> bool:
    """True if a value stands beside the name of a secret, as in a list of variables or of parameters."""
    holder, _, key = path.rpartition(".")
    beside = at(whole, holder) if key == "value" else None
    return isinstance(beside, dict) and is_secret(type_, str(beside.get("name", "")))


def _holds_secret(type_: str, path: str, value: object) -> bool:
    """True if a part of a larger value may not be shown."""
    if isinstance(value, dict):
        named = str(value.get("name", "")) if "value" in value else ""
        inside = any(is_secret(type_, key) or _holds_secret(type_, path, one) for key, one in value.items())
        return inside or (bool(named) and is_secret(type_, named))
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            return _holds_secret(type_, path, json.loads(value))
        except json.JSONDecodeError:
            return False
    return isinstance(value, list) and any(_holds_secret(type_, path, one) for one in value)
