"""docs/limits.md: what a caller may send or hold, from the table that the service itself reads."""

from __future__ import annotations

from app.limits import table

HEAD = """# Limits

What one caller may send to the service or hold of it, and the answer beyond that. Generated from `app/limits.py`;
`tests/app/test_hostile.py` and `tests/app/test_hostile_callers.py` drive each on a running fleet. How many requests a
minute are taken depends on the key's tier (`app/access/tiers.py`); the edge has limits of its own by address
([decision](decisions/edge-limits.md)).

| what | limit | beyond it |
| --- | --- | --- |
"""


def limits_page() -> str:
    """The page."""
    return HEAD + "".join(f"| {one.what} | {one.value} | {one.answer} |\n" for one in table())
