"""Signing keys and admin token of the application, the same in every region (requirements E03, E12, D02).

Each has three values; the application uses one and accepts all: the one before, because what it signed is still valid,
and the next, because in a rollout some processes use it before others have it (X02).
"""

from __future__ import annotations

from typing import Final

import pulumi

from components.logins import Rotation, password

NAMES: Final = ("admin_token", "session_secret", "webhook_secret")
SLOTS: Final = ("a", "b", "c")


class ApplicationKeys(pulumi.ComponentResource):
    """``values`` are the files an application finds among its secrets, by name; every one of them is secret."""

    values: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, rotation: Rotation, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:data:ApplicationKeys", name, None, opts)
        self.values = {}
        for key in NAMES:
            for suffix, generation in believed(rotation).items():
                slot = SLOTS[generation % len(SLOTS)]
                made = password(f"{name}-{key.replace('_', '-')}-{slot}", self, str(generation))
                self.values[f"{key}{suffix}"] = pulumi.Output.secret(made.result)
        self.register_outputs({})


def believed(rotation: Rotation) -> dict[str, int]:
    """The generation of the value in each file, by the end of the file's name.

    Beginning a rotation makes no value: it uses the next one. Finishing it makes the value of the rotation after, in
    place of the oldest, which is no longer accepted.
    """
    now = rotation.generation
    made = rotation.settled or now == 1
    return {"": now, "_before": now - 1, "_next": now + 1 if made else now + 1 - len(SLOTS)}
