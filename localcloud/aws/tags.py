"""Tags in AWS's spelling (a list of Key and Value) and in Pulumi's (a map), and each service's way to change them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from localcloud.aws.scope import Aws
from localcloud.provider.block import Block
from localcloud.provider.values import Properties, Value


def wanted(inputs: Block) -> dict[str, str]:
    """All tags a resource is to have: its own over the provider's default tags (`tagsAll`, filled in at Check)."""
    return inputs.texts_by_name("tagsAll" if inputs.has("tagsAll") else "tags")


def outputs(found: dict[str, str], known: Block) -> Properties:
    """`tags` and `tagsAll` from the tags a thing has: what came from the provider's default tags is not in `tags`."""
    own_keys = known.block("tags").values
    defaults = {key: value for key, value in known.texts_by_name("tagsAll").items() if key not in own_keys}
    own: Properties = {key: value for key, value in found.items() if defaults.get(key) != value}
    return {"tags": own, "tagsAll": dict(found)}


@dataclass(frozen=True)
class TagApi:
    """Tagging operations of one service, and the names of their parameters."""

    service: str
    add: str
    remove: str
    listing: str
    target: str
    added: str = "Tags"
    removed: str = "TagKeys"
    answered: str = "Tags"
    key: str = "Key"
    value: str = "Value"

    def listed(self, tags: dict[str, str]) -> list[Value]:
        """The list form the service takes."""
        return [{self.key: key, self.value: value} for key, value in sorted(tags.items())]

    def mapped(self, entries: list[Block]) -> dict[str, str]:
        """The map form of the service's list."""
        return {entry.text(self.key): entry.text(self.value) for entry in entries}

    def found(self, aws: Aws, target: str, missing: Collection[str] = ()) -> dict[str, str]:
        """The tags a thing has now; none when the service answers with a code that means there are none."""
        answer = aws.find(missing, self.service, self.listing, **{self.target: target})
        return self.mapped(answer.blocks(self.answered)) if answer else {}

    def change(self, aws: Aws, target: str, before: Block, after: Block) -> None:
        """Bring the tags from what was declared before to what is declared now."""
        old, new = wanted(before), wanted(after)
        set_now = {key: value for key, value in new.items() if old.get(key) != value}
        gone: list[Value] = [*sorted(set(old) - set(new))]
        if gone:
            aws.call(self.service, self.remove, **{self.target: target, self.removed: gone})
        if set_now:
            aws.call(self.service, self.add, **{self.target: target, self.added: self.listed(set_now)})
