"""Whole stacks as the program declares them, each run once for all tests of the tier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pulumi
import pytest

from infra.providers import aws_provider, kubernetes_providers
from infra.settings import StackSettings
from infra.stackfile import read, stacks
from infra.tags import tags
from stacks.whole import Providers, deploy
from tests.unit.engine import RecordingEngine, run

ROOT = Path(__file__).resolve().parent.parent.parent
STACKS = tuple(stacks(ROOT))

Declare = Callable[[str], RecordingEngine]


def declared(stack: str, settings: StackSettings) -> RecordingEngine:
    """What the program declares for a stack with these settings, on a real target."""

    def program() -> Mapping[str, pulumi.Input[object]]:
        providers = Providers(
            aws_provider(settings, tags(settings, stack), None), kubernetes_providers(stack, settings, None)
        )
        return deploy(stack, settings, providers)

    return run(program, stack)


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
