"""An exported state, as `pulumi stack export` writes it, made of example resources."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from policies.examples.base import CLUSTER
from policies.reading import Value
from policies.rule import Resource
from policies.testing import plain_object

AWS = "pulumi:providers:aws"
STACK = "urn:pulumi:prod::example::pulumi:pulumi:Stack::example-prod"
KUBERNETES = f"urn:pulumi:prod::example::pulumi:providers:kubernetes::{CLUSTER}"


def write(path: Path, stack: Iterable[Resource]) -> Path:
    """A file that the engine reads without a program, a backend or a login."""
    resources = list(stack)
    aws = next((one.urn for one in resources if one.type == AWS), "")
    first = [one for one in resources if one.type == AWS]
    rest = [one for one in resources if one.type != AWS]
    deployment = {
        "manifest": {"time": "2026-01-01T00:00:00Z", "magic": "", "version": "v3.255.0"},
        "resources": [
            {"urn": STACK, "custom": False, "type": "pulumi:pulumi:Stack"},
            {"urn": KUBERNETES, "custom": True, "id": "1", "type": "pulumi:providers:kubernetes"},
            *(_state(one, "") for one in first),
            *(_state(one, f"{aws}::1" if one.provider == "aws" else f"{KUBERNETES}::1") for one in _ordered(rest)),
        ],
    }
    path.write_text(json.dumps({"version": 3, "deployment": deployment}))
    return path


def _ordered(resources: list[Resource]) -> list[Resource]:
    """Those that others depend on first, as the engine insists."""
    there = {one.urn for one in resources}
    return sorted(resources, key=lambda one: len(one.depends_on & there))


def _state(one: Resource, provider: str) -> dict[str, object]:
    properties: dict[str, Value] = plain_object(one.properties)
    state: dict[str, object] = {
        "urn": one.urn,
        "custom": True,
        "id": "1",
        "type": one.type,
        "inputs": properties,
        "outputs": properties,
        "protect": one.protect,
        "dependencies": sorted(one.depends_on),
    }
    return {**state, "provider": provider} if provider else state
