"""Whole stacks as the program declares them, as the unit tier has them."""

from __future__ import annotations

from tests.unit.conftest import declare

__all__ = ["declare"]
