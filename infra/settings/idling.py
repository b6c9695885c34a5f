"""Services without requests: whether they go to one instance, and when (requirement K10)."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from infra.settings.value_types import Model

IDLE_SECONDS: Final = 300
"""Document A's five minutes, which are the autoscaler's own window too: it takes nothing away sooner."""
LONGEST_SECONDS: Final = 86_400


class IdleSettings(Model):
    """Instances of services and workers to which no request comes."""

    enabled: bool | None = Field(
        None, description="go to one instance when no request comes (K10); default: outside production"
    )
    seconds: int = Field(
        IDLE_SECONDS, ge=IDLE_SECONDS, le=LONGEST_SECONDS, description="time without a request until then"
    )
