"""Parameters of a rule: named values with a type, a default and a sentence, checked before a rule runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from policies.reading import Properties, Value, is_mapping, items, mapping, number, text, texts


class Kind(StrEnum):
    """The types a value of the configuration may have."""

    NUMBER = "number"
    TEXT = "text"
    FLAG = "true or false"
    TEXTS = "list of texts"
    NUMBERS = "numbers by name"
    TEXTS_BY_NAME = "texts by name"


_SCHEMAS: Final[Mapping[Kind, dict[str, object]]] = {
    Kind.NUMBER: {"type": "number"},
    Kind.TEXT: {"type": "string"},
    Kind.FLAG: {"type": "boolean"},
    Kind.TEXTS: {"type": "array", "items": {"type": "string"}},
    Kind.NUMBERS: {"type": "object", "additionalProperties": {"type": "number"}},
    Kind.TEXTS_BY_NAME: {"type": "object", "additionalProperties": {"type": "string"}},
}


@dataclass(frozen=True)
class Tunable:
    """One value of a rule's configuration. The default is the strict choice: who says nothing gets it."""

    name: str
    kind: Kind
    default: Value
    help: str

    def schema(self) -> dict[str, object]:
        """The same as JSON schema, for the engine and for editors."""
        return {**_SCHEMAS[self.kind], "default": self.default, "description": self.help}

    def fits(self, value: Value) -> bool:
        """True if a configured value has the tunable's type."""
        match self.kind:
            case Kind.NUMBER:
                return number(value) is not None and not isinstance(value, str)
            case Kind.TEXT:
                return isinstance(value, str)
            case Kind.FLAG:
                return isinstance(value, bool)
            case Kind.TEXTS:
                return (
                    not isinstance(value, str)
                    and not is_mapping(value)
                    and all(isinstance(one, str) for one in items(value))
                )
            case Kind.NUMBERS:
                return is_mapping(value) and all(
                    Tunable("", Kind.NUMBER, 0, "").fits(one) for one in mapping(value).values()
                )
            case Kind.TEXTS_BY_NAME:
                return is_mapping(value) and all(isinstance(one, str) for one in mapping(value).values())


class Settings:
    """A rule's configuration with the defaults filled in. A name that the rule does not have is a KeyError: ours."""

    def __init__(self, tunables: tuple[Tunable, ...], given: Properties) -> None:
        self._values: dict[str, Value] = {one.name: given.get(one.name, one.default) for one in tunables}

    def number(self, name: str) -> float:
        return number(self._values[name]) or 0

    def text(self, name: str) -> str:
        return text(self._values[name])

    def flag(self, name: str) -> bool:
        return self._values[name] is True

    def texts(self, name: str) -> list[str]:
        return texts(self._values[name])

    def numbers(self, name: str) -> dict[str, float]:
        return {key: number(value) or 0 for key, value in mapping(self._values[name]).items()}

    def names(self, name: str) -> list[str]:
        """The keys of a value that is by name."""
        return list(mapping(self._values[name]))
