"""Nested settings between Pulumi's camelCase and AWS's PascalCase.

Most names differ by their first letter alone; a table names the rest. A name AWS does not have is refused by boto3's
own validation, so nothing is dropped on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from localcloud.provider.values import DEFAULTS, Properties, Value


@dataclass(frozen=True)
class Spelling:
    """The exceptions of one service: our name -> AWS's. `tag_maps` are maps AWS holds as lists of Key and Value."""

    exceptions: Mapping[str, str] = field(default_factory=dict)
    tag_maps: frozenset[str] = frozenset()

    def to_api(self, value: Value) -> Value:
        """A nested value as the API takes it; absent values are left out."""
        match value:
            case dict():
                return {
                    self._api_name(name): self._tag_list(item) if name in self.tag_maps else self.to_api(item)
                    for name, item in value.items()
                    if item is not None and name != DEFAULTS
                }
            case list():
                return [self.to_api(item) for item in value]
            case _:
                return value

    def from_api(self, value: Value) -> Value:
        """The reverse, for what the API answers."""
        match value:
            case dict():
                return self._object(value)
            case list():
                return [self.from_api(item) for item in value]
            case _:
                return value

    def _object(self, value: Properties) -> Properties:
        names = {api: ours for ours, api in self.exceptions.items()}
        result: Properties = {}
        for api, item in value.items():
            name = names.get(api, api[:1].lower() + api[1:])
            result[name] = self._tag_map(item) if name in self.tag_maps else self.from_api(item)
        return result

    def _api_name(self, name: str) -> str:
        return self.exceptions.get(name, name[:1].upper() + name[1:])

    def _tag_list(self, tags: Value) -> Value:
        return [{"Key": key, "Value": value} for key, value in tags.items()] if isinstance(tags, dict) else tags

    def _tag_map(self, tags: Value) -> Value:
        if not isinstance(tags, list):
            return tags
        return {str(tag["Key"]): tag["Value"] for tag in tags if isinstance(tag, dict)}
