"""Wrong settings, said all at once and in words: file, key, value got, what is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from infra.settings.value_types import IN_WORDS


@dataclass(frozen=True)
class Wrong:
    """Problem of one value.

    key: key in the stack file, with dots.
    value: the value found.
    allowed: description of what is allowed.
    """

    key: str
    value: object
    allowed: str

    def __str__(self) -> str:
        return f"{self.key} = {self.value!r}: {self.allowed}"


class SettingsError(Exception):
    """A stack file that cannot be deployed. Nothing was changed."""

    def __init__(self, file: str, wrong: tuple[Wrong, ...]) -> None:
        self.file = file
        self.wrong = wrong
        count = "1 setting is" if len(wrong) == 1 else f"{len(wrong)} settings are"
        lines = "\n".join(f"  {one}" for one in wrong)
        super().__init__(f"{file}: {count} wrong, nothing was changed:\n{lines}")


def described(error: ValidationError, namespace: str) -> Iterable[Wrong]:
    """pydantic's findings in our words."""
    for found in error.errors():
        # pydantic calls a mapping's own key "[key]".
        parts = [_printable(part) for part in found["loc"] if part != "[key]"]
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")
        key = f"{namespace}:{path}" if path else namespace
        if found["type"] == "extra_forbidden":
            yield Wrong(key, found["input"], "no such key; see docs/settings.md for those there are")
        elif found["type"] == "missing":
            yield Wrong(key, None, "is required")
        elif found["type"] == "string_pattern_mismatch":
            pattern = found["ctx"]["pattern"]
            yield Wrong(key, found["input"], f"must be {IN_WORDS.get(pattern, f'text that matches {pattern}')}")
        else:
            yield Wrong(key, found["input"], _allowed(found["msg"]))


def _printable(part: int | str) -> int | str:
    """A key as it can stand in one line of a message."""
    return part if isinstance(part, int) or part.isprintable() else repr(part)


def _allowed(message: str) -> str:
    return re.sub(r"^(Input|String|Tuple|Dictionary) should", "must", message.removeprefix("Value error, "))
