"""What the application itself signs with and opens its doors by, the same in every region (requirements E03, E12, D02).

Each is one of two values: the application uses one and believes both, so a rotation refuses nobody (requirement X02).
"""

from __future__ import annotations

from typing import Final

import pulumi

from components.logins import SLOTS, Rotation, password

NAMES: Final = ("admin_token", "session_secret", "webhook_secret")
STANDBY: Final = "_standby"
"""How the file of the value that is believed and not used is called, after the other's name."""


class ApplicationKeys(pulumi.ComponentResource):
    """``values`` are the files an application finds among its secrets, by name; every one of them is secret."""

    values: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, rotation: Rotation, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:data:ApplicationKeys", name, None, opts)
        self.values = {}
        for key in NAMES:
            for slot in SLOTS:
                file = key if slot == rotation.active else f"{key}{STANDBY}"
                made = password(f"{name}-{key.replace('_', '-')}-{slot}", self, rotation.announced(slot))
                self.values[file] = pulumi.Output.secret(made.result)
        self.register_outputs({})
