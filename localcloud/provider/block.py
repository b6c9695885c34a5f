"""A typed view of properties, so that resource types ask for text, numbers and blocks instead of untyped values.

The same view reads what the program declared and what a cloud's API answered: both are JSON-like. Absent, null and
not-yet-known values read as the given default; `has` tells a value that is merely unknown from one that is absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from localcloud.provider.values import Properties, Unknown, Value


class WrongShape(TypeError):
    """A property holds another kind of value than the resource type expects."""

    def __init__(self, name: str, value: Value, expected: str) -> None:
        super().__init__(f"{name} is {value!r} ({type(value).__name__}); expected {expected}")


@dataclass(frozen=True)
class Block:
    """Properties without secret marks, read by name and kind. Getters raise `WrongShape` for another kind."""

    values: Mapping[str, Value]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def has(self, name: str) -> bool:
        """True if the property is set, be it to a value that is not known yet."""
        return self.values.get(name) is not None

    def is_unknown(self, name: str) -> bool:
        """True if the property is set, but only the deployment will know its value."""
        return isinstance(self.values.get(name), Unknown)

    def text(self, name: str, default: str = "") -> str:
        """A string; numbers and booleans are written as the cloud's APIs write them."""
        match self._known(name):
            case None:
                return default
            case bool() as flag:
                return str(flag).lower()
            case str() | int() | float() as scalar:
                return str(scalar)
            case other:
                raise WrongShape(name, other, "text")

    def number(self, name: str, default: int = 0) -> int:
        """A whole number; text that spells one counts, as in the official providers."""
        match self._known(name):
            case None:
                return default
            case int() | float() as number:
                return int(number)
            case str() as text if text.lstrip("-").isdigit():
                return int(text)
            case other:
                raise WrongShape(name, other, "a whole number")

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean; "true" and "false" count, as in the official providers."""
        match self._known(name):
            case None:
                return default
            case bool() as flag:
                return flag
            case "true" | "false" as text:
                return text == "true"
            case other:
                raise WrongShape(name, other, "true or false")

    def texts(self, name: str) -> list[str]:
        """A list of strings, empty when absent; items not known yet are left out."""
        return [str(item) for item in self._items(name)]

    def blocks(self, name: str) -> list[Block]:
        """A list of nested objects, empty when absent."""
        return [Block(item) for item in self._items(name) if isinstance(item, dict)]

    def block(self, name: str) -> Block:
        """A nested object, empty when absent."""
        match self._known(name):
            case None:
                return Block({})
            case dict() as nested:
                return Block(nested)
            case other:
                raise WrongShape(name, other, "an object")

    def texts_by_name(self, name: str) -> dict[str, str]:
        """A map of strings (tags), empty when absent."""
        nested = self.block(name)
        return {key: nested.text(key) for key in nested}

    def merged(self, more: Mapping[str, Value]) -> Block:
        """These values with others laid over them."""
        return Block({**self.values, **more})

    def renamed(self, names: Mapping[str, str]) -> Properties:
        """The properties present, by the other names a table gives them: ours -> an API's."""
        return {other: self.values[name] for name, other in names.items() if self.has(name)}

    def named(self, names: Mapping[str, str]) -> Properties:
        """The reverse of `renamed`: an API's answer by our names, absent ones left out."""
        return {name: self.values[other] for name, other in names.items() if self.has(other)}

    def _known(self, name: str) -> Value:
        value = self.values.get(name)
        return None if isinstance(value, Unknown) else value

    def _items(self, name: str) -> list[Value]:
        match self._known(name):
            case None:
                return []
            case list() as items:
                return [item for item in items if not isinstance(item, Unknown)]
            case other:
                raise WrongShape(name, other, "a list")
