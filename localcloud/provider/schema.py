"""Properties of a resource type, read from the installed Python SDK of the official provider.

The SDK package (`pulumi_aws`, `pulumi_random`) is generated from the official schema, so its Args classes say which
inputs exist, which are required and what shape they have, and its State classes name the outputs. The text is read
rather than imported: one class costs a few milliseconds, importing the package costs a quarter of a second and 50 MB.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

ShapeKind = Literal["text", "number", "flag", "list", "map", "block", "any"]

_GETTER = re.compile(
    r"@pulumi\.getter(?:\(name=\"(?P<name>\w+)\"\))?\n(?:\s+@_utilities\.deprecated\(.*?\)\n)?"
    r"\s+def (?P<attribute>\w+)\(self\) -> (?P<annotation>[^\n]+):\n",
    re.DOTALL,
)
_ARGS_CLASS = re.compile(r"^class (\w+Args):", re.MULTILINE)
_SECRETS = re.compile(r"additional_secret_outputs=\[([^\]]*)\]")
_SCALARS: dict[str, ShapeKind] = {
    "_builtins.str": "text",
    "_builtins.int": "number",
    "_builtins.float": "number",
    "_builtins.bool": "flag",
}


class UnknownResourceType(LookupError):
    """The SDK package has no class for a type token."""


@dataclass(frozen=True)
class Shape:
    """The shape of one property; `item` is what a list or map holds, `block` the properties of a nested object."""

    kind: ShapeKind
    required: bool = False
    item: Shape | None = None
    block: str = ""


@dataclass(frozen=True)
class Schema:
    """The inputs and outputs of one resource type, by their names on the wire (camelCase)."""

    token: str
    service: Path
    inputs: dict[str, Shape]
    outputs: dict[str, Shape]
    secret_outputs: frozenset[str]

    @property
    def computed(self) -> frozenset[str]:
        """Outputs that are no inputs: only the cloud knows them, so they are unknown at preview."""
        return frozenset(self.outputs) - frozenset(self.inputs)

    def block(self, name: str) -> dict[str, Shape]:
        """The properties of a nested object (`BucketVersioningVersioningConfigurationArgs`, say)."""
        return _properties(_text(self.service / "_inputs.py"), name)


@cache
def schema_of(token: str) -> Schema:
    """The schema of a token such as `aws:s3/bucket:Bucket`. Raises `UnknownResourceType` when the SDK has none."""
    package, module, name = token.split(":")
    root = _package_root(f"pulumi_{package}")
    service, _, file_stem = module.rpartition("/")
    directory = root if service == "index" else root / service
    path = directory / f"{_snake(file_stem)}.py"
    if not path.is_file():
        raise UnknownResourceType(f"{token}: pulumi_{package} has no such resource type")
    text = _text(path)
    secrets, arguments = _SECRETS.search(text), _ARGS_CLASS.search(text)
    if arguments is None:
        raise UnknownResourceType(f"{token}: {path.name} has no Args class, so it is no resource type")
    return Schema(
        token=token,
        service=directory,
        inputs=_properties(text, arguments[1]),
        outputs=_properties(text, f"_{name}State"),
        secret_outputs=frozenset(re.findall(r"\"(\w+)\"", secrets.group(1))) if secrets else frozenset(),
    )


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _package_root(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise UnknownResourceType(f"the Python package {package} is not installed; the schema is read from it")
    return Path(spec.origin).parent


@cache
def _properties(text: str, class_name: str) -> dict[str, Shape]:
    start = text.find(f"\nclass {class_name}:")
    if start < 0:
        raise UnknownResourceType(f"the SDK has no class {class_name}")
    end = text.find("\nclass ", start + 1)
    body = text[start : end if end > 0 else len(text)]
    return {match["name"] or match["attribute"]: _shape(match["annotation"]) for match in _GETTER.finditer(body)}


def _shape(annotation: str) -> Shape:
    inner, optional = annotation, False
    while (wrapper := re.fullmatch(r"(?:pulumi\.Input|(Optional))\[(.*)\]", inner)) is not None:
        optional = optional or wrapper[1] is not None
        inner = wrapper[2]
    return replace(_bare_shape(inner), required=not optional)


def _bare_shape(inner: str) -> Shape:
    if inner in _SCALARS:
        return Shape(_SCALARS[inner])
    if listed := re.fullmatch(r"Sequence\[(.*)\]", inner):
        return Shape("list", item=_shape(listed[1]))
    if mapped := re.fullmatch(r"Mapping\[(?:_builtins\.)?str, (.*)\]", inner):
        return Shape("map", item=_shape(mapped[1]))
    if block := re.fullmatch(r"'(\w+Args)'", inner):
        return Shape("block", block=block[1])
    return Shape("any")


def _snake(camel: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", camel).lower()
