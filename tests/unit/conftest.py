"""Whole stacks as the program declares them, each run once for all tests of the tier."""

from __future__ import annotations

from functools import cache

import pytest

from infra.stackfile import read
from tests.unit.engine import RecordingEngine
from tests.unit.program import ROOT, STACKS, Declare, declared


@pytest.fixture(scope="session")
def declare() -> Declare:
    """The resources of a stack's file."""

    @cache
    def once(stack: str) -> RecordingEngine:
        return declared(stack, read(ROOT, stack))

    return once


@pytest.fixture(params=STACKS)
def each(request: pytest.FixtureRequest, declare: Declare) -> RecordingEngine:
    """Every stack in turn."""
    return declare(request.param)
