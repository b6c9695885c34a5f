"""Whole stacks as the program declares them, each run once for all tests of the tier."""

from __future__ import annotations

import pytest

from ops.stack_files import read
from tests.unit.engine import RecordingEngine
from tests.unit.program import CONTENT_STACKS, ROOT, STACKS, Declare, declared

collect_ignore = ["fixtures"]
"""Tests that belong to a copy of the checkout, where test_added_component puts them."""


@pytest.fixture(scope="session")
def declare() -> Declare:
    """The resources of a stack's file."""
    return lambda stack: declared(stack, read(ROOT, stack))


@pytest.fixture(params=STACKS)
def every(request: pytest.FixtureRequest, declare: Declare) -> RecordingEngine:
    """Every stack of every product in turn."""
    return declare(request.param)


@pytest.fixture(params=CONTENT_STACKS)
def each(request: pytest.FixtureRequest, declare: Declare) -> RecordingEngine:
    """Every stack of content-generation in turn."""
    return declare(request.param)
