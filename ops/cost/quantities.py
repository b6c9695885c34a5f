"""Values of manifests, as the API server reads them."""

from __future__ import annotations

from typing import Final

from ops.report.events import Json, Object

GIB: Final = 2.0**30
_UNITS: Final = {
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
    "Pi": 2.0**50,
    "Ei": 2.0**60,
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "E": 1e18,
}
"""Suffixes of a quantity (Kubernetes apimachinery, resource.Quantity)."""


def quantity(value: Json) -> float | None:
    """A quantity such as 250m, 1.5, 512Mi, 1G, 1e9 or 1073741824 as a number; None for what is none."""
    written = value.strip() if isinstance(value, str) else value
    if isinstance(written, str):
        for unit, factor in _UNITS.items():
            if written.endswith(unit):
                amount = number(written.removesuffix(unit))
                return None if amount is None else amount * factor
    return number(written)


def number(value: Json) -> float | None:
    """A number, also one written as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def text(value: Json) -> str:
    """A text as it is, anything else as nothing."""
    return value if isinstance(value, str) else ""


def mapping(value: Json) -> Object:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Json) -> list[Json]:
    """The value when it is a list, else an empty one."""
    return value if isinstance(value, list) else []
