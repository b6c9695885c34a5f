"""Severity of a violation, by its own words: the SDK has the same ones, and to import it costs more than all rules."""

from __future__ import annotations

from enum import Enum


class Severity(Enum):
    """Harm that a violation may do."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
