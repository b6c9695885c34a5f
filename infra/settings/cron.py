"""Cron expressions as Kubernetes' CronJob controller reads them: the standard parser of robfig/cron v3. No I/O.

The API server refuses a wrong one, but only in the middle of an update; and it takes one that never comes.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

DAYS_OF_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MONTH_NAMES: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAY_NAMES: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class Field(NamedTuple):
    """One of the five fields of a cron expression.

    name: name of the field in messages.
    first: lowest value, included.
    last: highest value, included.
    names: names that stand for the values from the first on.
    """

    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()


FIELDS: Final = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of the month", 1, 31),
    Field("month", 1, 12, MONTH_NAMES),
    Field("day of the week", 0, 6, WEEKDAY_NAMES),
)
_RANGE: Final = re.compile(r"(?P<all>\*|\?)?(?P<low>\w+)?(-(?P<high>\w+))?(/(?P<step>\d+))?", re.ASCII)
_EVERY: Final = re.compile(r"[*?](/1)?")


def moments(expression: str) -> tuple[frozenset[int], ...]:
    """The values of each field: minutes, hours, days of the month, months, days of the week.

    Raises ValueError, which names the field and what it may be, for an expression that Kubernetes refuses and for one
    whose day never comes.
    """
    texts = expression.split()
    if len(texts) != len(FIELDS):
        raise ValueError(f"a cron expression has five fields ({', '.join(field.name for field in FIELDS)})")
    found = tuple(_values(field, text) for field, text in zip(FIELDS, texts, strict=True))
    _, _, days, months, _ = found
    # Where both days are stated, either is enough (robfig/cron, dayMatches).
    by_weekday = not any(_EVERY.fullmatch(part) for part in texts[4].split(","))
    if not by_weekday and not any(min(days) <= DAYS_OF_MONTH[month - 1] for month in months):
        raise ValueError(f"day {min(days)} never comes in the months stated")
    return found


def _values(field: Field, text: str) -> frozenset[int]:
    return frozenset(value for part in text.split(",") for value in _part(field, part))


def _part(field: Field, text: str) -> range:
    found = _RANGE.fullmatch(text)
    whole = found is not None and found["all"] is not None
    if found is None or whole == (found["low"] is not None) or (whole and found["high"]):
        raise ValueError(f"{field.name} {text!r} is none; allowed are *, N, N-M and /STEP, with commas between")
    step = int(found["step"] or 1)
    if step == 0:
        raise ValueError(f"{field.name} {text!r} has steps of 0; they are 1 or more")
    if whole:
        return range(field.first, field.last + 1, step)
    low = _value(field, found["low"])
    high = _value(field, found["high"]) if found["high"] else field.last if found["step"] else low
    if low > high:
        raise ValueError(f"{field.name} {text!r} ends before it begins")
    return range(low, high + 1, step)


def _value(field: Field, text: str) -> int:
    if text.lower() in field.names:
        return field.first + field.names.index(text.lower())
    if not text.isdecimal() or not field.first <= int(text) <= field.last:
        names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
        raise ValueError(f"{field.name} {text!r} must be {field.first} to {field.last}{names}")
    return int(text)
