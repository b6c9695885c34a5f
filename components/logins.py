"""Passwords that can be renewed without downtime (requirement X02): two of them, of which one is in use.

A rotation renews the other one and gives it to all clients, while the old one still works for clients that have not
restarted. When all have, the old one is renewed too, and no client has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_random import RandomPassword

LENGTH: Final = 32


@dataclass(frozen=True)
class Rotation:
    """State of a stack's password rotations.

    generation: number of the rotation whose passwords are in use.
    retired: last rotation whose old passwords are revoked.
    """

    generation: int = 1
    retired: int = 0

    @property
    def active(self) -> str:
        """The slot in use."""
        return "a" if self.generation % 2 else "b"

    @property
    def settled(self) -> bool:
        """True if the passwords of the generation before are revoked."""
        return self.retired >= self.generation

    def keeper(self, slot: str) -> str:
        """Keeper value of a slot's password: it is renewed exactly when this changes."""
        if slot == self.active:
            return str(self.generation)
        return f"retired-{self.generation}" if self.settled else str(self.generation - 1)


@dataclass(frozen=True)
class Login:
    """Login of one slot; a role has two slots, so that one can be renewed while the other is in use (X02).

    slot: name of the slot.
    password: its password, a secret output.
    """

    slot: str
    password: pulumi.Output[str]


class Logins(pulumi.ComponentResource):
    """Both passwords of one store. ``active`` is what clients get, ``both`` is what the store accepts."""

    active: Login
    both: tuple[Login, Login]
    settled: bool

    def __init__(self, name: str, rotation: Rotation, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:data:Logins", name, None, opts)
        first, second = (
            Login(slot, password(f"{name}-{slot}", self, rotation.keeper(slot)).result) for slot in ("a", "b")
        )
        self.both = (first, second)
        self.settled = rotation.settled
        self.active = first if rotation.active == "a" else second
        self.register_outputs({"active": self.active.slot})


def password(name: str, parent: pulumi.Resource, keeper: str | None = None) -> RandomPassword:
    """Letters and digits only: it stands in URLs and configuration files, where others would need quoting."""
    return RandomPassword(
        f"{name}-password",
        length=LENGTH,
        special=False,
        keepers=None if keeper is None else {"bound-to": keeper},
        opts=pulumi.ResourceOptions(parent=parent),
    )
