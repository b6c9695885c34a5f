"""Stack files with one to three mistakes, as people and scripts make them; the same number gives the same file."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import yaml

from infra.settings.stack import NAMESPACE, StackSettings
from tests.unit.program import CONTENT_STACKS, ROOT

ODD_TEXTS: Final = (
    "",
    " ",
    "\n",
    "a\nb",
    "\N{PARTY POPPER}",
    "null",
    "../..",
    "$(id)",
    "; rm -rf /",
    "a" * 300,
    "0",
    "-1",
    "1e9",
    "true",
    "{}",
    "99 99 * * *",
    "*/0 * * * *",
    "@hourly",
    "0 3 * * *",
    "x@y",
    "team@acme.io",
    "1Gi",
    "1Gi; rm -rf /",
    "64Gi",
    "1m",
    "999999m",
    "db.t4g.micro",
    "cache.t4g.small",
    "0.0.0.0/0",
    "10.0.0.0/8",
    "registry.acme.io/it@sha256:" + 32 * "ab",
    "UPPER",
    "a..b",
    "small",
    "Team 7",
    "text with blanks",
    "aws:name",
    "x" * 64,
    "acme.io",
    "-acme.io",
    "managed",
    "cluster",
    "prod",
    "eu-west-1",
    "1.30",
)
ODD_VALUES: Final = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2,
    3,
    20,
    64,
    100,
    1000,
    10**9,
    0.5,
    float("inf"),
    [],
    {},
    [None],
    {"a": 1},
)
PLAUSIBLE: Final[dict[str, tuple[object, ...]]] = {
    "minimum": (1, 2),
    "maximum": (1, 3, 5),
    "memory": ("128Mi", "512Mi", "2Gi"),
    "cpu": ("100m", "500m", "1", "2", "8"),
    "tier": ("standard", "premium"),
    "processes": (1, 2),
    "pool": (1, 5),
    "overflow": (0, 5),
    "sticky": (True, False),
    "size": ("2-8", "small"),
    "storage_gb": (1, 19, 20, 100),
    "read_replicas": (0, 1),
    "max_connections": (100, 200),
    "pooler_clients": (200, 400),
    "pooler_size": (10, 25),
    "memory_mb": (64, 256),
    "backend": ("cluster", "managed"),
    "schedule": ("0 * * * *", "30 4 * * mon"),
    "retention_days": (7, 30, 90),
    "lock_days": (1, 30),
    "alarm_hours": (2, 24),
    "monthly_usd": (100, 1500),
    "kind": ("gateway", "ingress"),
    "X-Own": ('a "b"', "5 $", "100 %"),
    "kubernetes": ("1.25", "1.33"),
    "cores": (2, 16),
    "memory_gb": (4, 32),
    "owner": ("Team 7", "texts"),
    "operator": (False,),
    "batches": (True, False),
    "generation": (1, 2, 7),
    "retired": (0, 1),
    "log_level": ("DEBUG",),
    "regions": (["eu-west-1"], ["us-east-1", "eu-west-1"]),
}


@dataclass(frozen=True)
class MutatedFile:
    """A stack file with mistakes: its values without the project's prefix, and what was done to it."""

    stack: str
    values: dict[str, object]
    mistakes: tuple[str, ...]


def mutated(number: int) -> MutatedFile:
    """One of the shipped stack files, filled up with every key there is, with mistakes in it."""
    dice = random.Random(number)
    stack = dice.choice(CONTENT_STACKS)
    document = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
    values: dict[str, object] = {key.removeprefix(f"{NAMESPACE}:"): value for key, value in document["config"].items()}
    mistakes = [_mistake(values, dice) for _ in range(dice.choice((1, 1, 2, 3)))]
    return MutatedFile(stack, values, tuple(mistakes))


def _mistake(values: dict[str, object], dice: random.Random) -> str:
    places = [*_leaves(values), *_settable()]
    path = dice.choice(places)
    holder, key = _holder(values, path)
    act = dice.randrange(10)
    if act == 0 and key in holder:
        del holder[key]
        return f"{'.'.join(path)} left out"
    if act == 1:
        key = f"{key}{dice.choice(('s', '_', ' ', 'X'))}"
    if act < 4 and key in PLAUSIBLE:
        holder[key] = copy.deepcopy(dice.choice(PLAUSIBLE[key]))
        return f"{'.'.join(path)} = {holder[key]!r}"
    value = dice.choice(ODD_TEXTS) if dice.random() < 0.6 else copy.deepcopy(dice.choice(ODD_VALUES))
    if dice.random() < 0.2:
        value = [value] if dice.random() < 0.7 else {str(value): value}
    holder[key] = value
    return f"{'.'.join([*path[:-1], key])} = {value!r}"


def _leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    if path:
        yield path


def _settable() -> Iterator[tuple[str, ...]]:
    """Every key that a stack file may have."""
    for name, field in StackSettings.model_fields.items():
        yield (name,)
        section = field.annotation
        for inner in getattr(section, "model_fields", {}):
            yield (name, inner)
    for service in ("cpm", "im", "worker", "frontend"):
        for inner in ("minimum", "maximum", "memory", "cpu", "tier", "sticky", "processes", "pool", "overflow"):
            yield ("services", service, inner)
    yield ("headers", "X-Own")
    yield ("headers", "Content-Security-Policy")
    yield ("alerts", "labels", "release")


def _holder(values: dict[str, object], path: tuple[str, ...]) -> tuple[dict[str, object], str]:
    holder = values
    for step in path[:-1]:
        inner = holder.get(step)
        if not isinstance(inner, dict):
            inner = holder[step] = {}
        holder = inner
    return holder, path[-1]
