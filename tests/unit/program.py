"""The project's own program under the recording engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pulumi

from infra.providers import aws_provider, kubernetes_providers
from infra.settings import StackSettings
from infra.stackfile import stacks
from infra.tags import tags
from stacks.whole import Providers, deploy
from tests.unit.engine import RecordingEngine, run

ROOT = Path(__file__).resolve().parent.parent.parent
STACKS = tuple(stacks(ROOT))

Declare = Callable[[str], RecordingEngine]


def declared(stack: str, settings: StackSettings, *, preview: bool = False) -> RecordingEngine:
    """What the program declares for a stack with these settings, on a real target; run once for all who ask."""
    return _declared(_Question(stack, settings.model_dump_json(), preview, settings))


@dataclass(frozen=True)
class _Question:
    """Settings hold dictionaries, so their text stands for them."""

    stack: str
    text: str
    preview: bool
    settings: StackSettings = field(compare=False)


@lru_cache(maxsize=16)
def _declared(question: _Question) -> RecordingEngine:
    stack, settings = question.stack, question.settings

    def program() -> None:
        aws = aws_provider(settings, tags(settings, stack), None)
        providers = Providers(aws, kubernetes_providers(stack, settings, None))
        outputs = deploy(stack, settings, providers, embedded=False)
        for name, value in outputs.items():
            pulumi.export(name, value)

    return run(program, stack, preview=question.preview)
