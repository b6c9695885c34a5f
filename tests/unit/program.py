"""The project's own program under the recording engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pulumi

from infra.providers import aws_provider, kubernetes_providers
from infra.settings.clusters import ClusterSettings
from infra.settings.stack import StackSettings
from infra.settings.stack_file import stacks
from infra.tags import tags
from stacks.deploy import Providers, deploy
from stacks.plan import plan
from tests.unit.engine import RecordingEngine, run

ROOT = Path(__file__).resolve().parent.parent.parent
STACKS = tuple(stacks(ROOT))
"""Every stack file, of every product."""

CONTENT_STACKS = ("dev", "local", "prod", "staging")
"""Those of content-generation."""

NETWORK = {
    "vpc_id": "vpc-12345678",
    "subnet_ids": ("subnet-12345678", "subnet-23456789"),
    "client_security_group_id": "sg-12345678",
    "pod_ranges": ("100.64.0.0/10",),
    "data_ranges": ("192.168.0.0/16",),
}
"""A network as eksctl makes one, with pods in ranges of their own."""

CLUSTER = {
    **NETWORK,
    "context": "mine",
    "oidc_provider": "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/A",
}
"""Everything that a real deployment needs to know of a region's cluster."""

Declare = Callable[[str], RecordingEngine]


def declared(stack: str, settings: StackSettings, *, preview: bool = False) -> RecordingEngine:
    """Resources that the program declares for a stack with these settings, on a real target; run once for all who ask.

    Clusters that the settings leave without a network get a made-up one, as the embedded cloud gives them.
    """
    settings = settings.model_copy(update={"clusters": {one: _joined(settings, one) for one in settings.regions}})
    return _declared(_Question(stack, settings.model_dump_json(), preview, settings))


def _joined(settings: StackSettings, region: str) -> ClusterSettings:
    given = settings.clusters.get(region, ClusterSettings())
    return ClusterSettings.model_validate({**NETWORK, **given.model_dump(exclude_unset=True)})


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
        outputs = deploy(plan(stack, settings), providers, embedded=False)
        for name, value in outputs.items():
            pulumi.export(name, value)

    return run(program, stack, preview=question.preview)
