"""Wrong settings, said all at once and in words: file, key, value got, what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError


@dataclass(frozen=True)
class Wrong:
    """One wrong value."""

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
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in found["loc"]).lstrip(".")
        key = f"{namespace}:{path}" if path else namespace
        if found["type"] == "extra_forbidden":
            yield Wrong(key, found["input"], "no such key; see docs/settings.md for those there are")
        elif found["type"] == "missing":
            yield Wrong(key, None, "is required")
        else:
            yield Wrong(key, found["input"], _allowed(found["msg"]))


def _allowed(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should", "must", 1)
