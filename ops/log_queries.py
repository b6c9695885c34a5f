"""Ready questions to the service's logs (A08), answered from the JSON lines themselves: no collector is needed.

Lines come from a file or from a pipe such as ``kubectl logs``; SQLite answers. docs/log-queries.md has the same
questions for collectors.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ops.console import Report

COLUMNS: Final = ("timestamp", "level", "service", "instance_id", "endpoint", "duration_ms", "client_id", "error_type")
SLOW_MS: Final = 5000
SHOWN: Final = 100


class LogQueryError(Exception):
    """A question or a file that is not there."""


@dataclass(frozen=True)
class LogQuery:
    """A question with its SQL over one table ``logs`` with COLUMNS."""

    question: str
    sql: str


def slow(milliseconds: float = SLOW_MS) -> LogQuery:
    """The latest requests that took longer."""
    return LogQuery(
        f"the {SHOWN} latest requests that took more than {milliseconds:g} ms",
        f"SELECT timestamp, endpoint, duration_ms, client_id FROM logs WHERE duration_ms > {milliseconds:g} "  # noqa: S608
        f"ORDER BY timestamp DESC LIMIT {SHOWN}",
    )


QUERIES: Final = MappingProxyType(
    {
        "slow": slow(),
        "errors": LogQuery(
            "how many failures of each kind in the hour before the last line, and how long they took on average",
            "SELECT error_type, count(*) AS count, round(avg(duration_ms), 1) AS avg_duration FROM logs "
            "WHERE level IN ('warning', 'error', 'critical') AND error_type IS NOT NULL "
            "AND julianday(timestamp) > (SELECT max(julianday(timestamp)) FROM logs) - 1.0 / 24 "
            "GROUP BY error_type ORDER BY count DESC, error_type",
        ),
    }
)


@dataclass(frozen=True)
class LogAnswer:
    """Rows under their column names. ``unread`` lines were no JSON object, such as what a library prints by itself."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int | None, ...], ...]
    unread: int


def answer(query: LogQuery, lines: Iterable[str]) -> LogAnswer:
    """The answer from all lines, of any number of instances, in any order."""
    database = sqlite3.connect(":memory:")
    database.execute(f"CREATE TABLE logs ({', '.join(COLUMNS)})")
    unread = 0
    places = ", ".join("?" for _ in COLUMNS)
    for line in lines:
        fields = _fields(line)
        if fields is None:
            unread += bool(line.strip())
            continue
        database.execute(f"INSERT INTO logs VALUES ({places})", fields)  # noqa: S608
    found = database.execute(query.sql)
    columns = tuple(column[0] for column in found.description)
    rows = tuple(found.fetchall())
    database.close()
    return LogAnswer(columns, rows, unread)


def _fields(line: str) -> tuple[str | float | None, ...] | None:
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return None
    if not isinstance(event, dict):
        return None
    values = (event.get(column) for column in COLUMNS)
    return tuple(value if isinstance(value, str | int | float) else None for value in values)


def ask_logs(name: str, files: Sequence[Path], report: Report, *, as_json: bool) -> None:
    """Print the answer to a ready question. Raises LogQueryError."""
    if name not in QUERIES:
        raise LogQueryError(f"there is no question {name!r}; there are {', '.join(QUERIES)}")
    query = QUERIES[name]
    found = answer(query, _lines(files))
    if as_json:
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
        report.json(json.dumps({"rows": rows, "unread": found.unread}))
        return
    shown = [["" if value is None else str(value) for value in row] for row in found.rows]
    report.table(query.question, found.columns, shown)
    if found.unread:
        report.line(f"{found.unread} line(s) are no JSON and were left out")


def _lines(files: Sequence[Path]) -> Iterator[str]:
    if not files:
        yield from sys.stdin
    for file in files:
        try:
            with file.open() as lines:
                yield from lines
        except OSError as error:
            raise LogQueryError(f"{file} cannot be read: {error.strerror}") from None
