"""Passwords of data stores: made once by the engine, kept as secret outputs only."""

from __future__ import annotations

from typing import Final

import pulumi
from pulumi_random import RandomPassword

LENGTH: Final = 32


def password(name: str, parent: pulumi.Resource) -> RandomPassword:
    """Letters and digits only: it stands in URLs and configuration files, where others would need quoting."""
    return RandomPassword(f"{name}-password", length=LENGTH, special=False, opts=pulumi.ResourceOptions(parent=parent))
