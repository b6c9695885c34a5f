"""Level at which a rule is enforced, as the configuration and the engine call it."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """Weight of a rule: advice, refusal, a remedy before the refusal, or none."""

    ADVISORY = "advisory"
    MANDATORY = "mandatory"
    REMEDIATE = "remediate"
    DISABLED = "disabled"
