"""Resources that our own stacks declare, as the pack sees them."""

from __future__ import annotations

from pathlib import Path

from infra.settings.stack import StackSettings
from ops.stack_files import read
from policies.rule import Resource
from tests.unit.engine import Declared
from tests.unit.program import declared


def resources(root: Path, stack: str, settings: StackSettings | None = None, *, preview: bool = True) -> list[Resource]:
    """Every resource of a stack, before anything of it exists unless told otherwise."""
    engine = declared(stack, settings or read(root, stack), preview=preview)
    return [of_declared(one) for one in engine.resources]


def of_declared(one: Declared) -> Resource:
    """A recorded resource as the analyzer gets it. A provider's reference is its URN and id."""
    provider = one.provider.rpartition("::")[0].rpartition("::")[2]
    return Resource(one.type, one.name, one.inputs, one.urn, one.protect, provider, frozenset(one.after))
