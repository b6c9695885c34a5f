"""Environments of a stack."""

from __future__ import annotations

from enum import StrEnum


class Environment(StrEnum):
    """Environment of a stack: chooses its profile and its policy levels."""

    LOCAL = "local"
    DEV = "dev"
    STAGING = "staging"
    PROD = "prod"

    @property
    def asks_for_keys(self) -> bool:
        """True if clients need an API key (requirement E03); where they do not, the page says so."""
        return self in (Environment.STAGING, Environment.PROD)
