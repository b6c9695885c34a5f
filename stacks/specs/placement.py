"""Placement of a workload's pods on nodes."""

from __future__ import annotations

from enum import StrEnum


class Spot(StrEnum):
    """Use of spot nodes, which cost less and may go at any time (requirement K12)."""

    PREFERRED = "preferred"
    REQUIRED = "required"
