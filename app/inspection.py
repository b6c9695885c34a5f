"""`python -m app database`: slow and stuck statements, connections and sizes of the database (P05)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.chores import Chore
from app.database import Database
from app.service_settings import ServiceSettings
from app.time_limits import Task

SLOWEST = 10
LARGEST = 20
SLOW_MILLISECONDS = 1000
STUCK_SECONDS = 300
STATISTICS = "pg_stat_statements"
NO_STATISTICS = (
    f"no {STATISTICS} here: preload it (shared_preload_libraries), then run `python -m app migrate` as administrator"
)
LIMITS = {
    "slowest": SLOWEST,
    "largest": LARGEST,
    "slow": SLOW_MILLISECONDS,
    "stuck": STUCK_SECONDS,
    "shortened": 160,
}


@dataclass(frozen=True)
class Section:
    """One question and its answer, a row a finding; ``note`` says why there is none to be had."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def lines(self) -> list[str]:
        """For people: the title, then columns that are as wide as their widest cell."""
        if self.note or not self.rows:
            return [f"{self.title}: {self.note or 'none'}"]
        table = [self.columns, *self.rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        cells = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
        return [f"{self.title}:", *(f"  {line.rstrip()}" for line in cells)]


@dataclass(frozen=True)
class Question:
    """A statement whose columns are the section's. Statements hold no values of clients: the server strips them."""

    title: str
    statement: str
    needs_statistics: bool = False


_STATEMENTS = """
SELECT round(mean_exec_time::numeric, 1) AS mean_ms, round(max_exec_time::numeric, 1) AS longest_ms, calls,
       rows, left(regexp_replace(query, '\\s+', ' ', 'g'), :shortened) AS statement
FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid AND datname = current_database()
"""

_SLOW = Question(
    f"statements that took more than {SLOW_MILLISECONDS} ms at least once",
    _STATEMENTS + " WHERE max_exec_time > :slow ORDER BY max_exec_time DESC LIMIT :slowest",
    needs_statistics=True,
)
_LARGEST = Question(
    f"{LARGEST} largest tables, with their indexes",
    """
    SELECT relname AS table, pg_size_pretty(pg_table_size(oid)) AS data,
           pg_size_pretty(pg_indexes_size(oid)) AS indexes, greatest(reltuples, 0)::bigint AS about_rows
    FROM pg_class WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace
    ORDER BY pg_total_relation_size(oid) DESC, relname LIMIT :largest
    """,
)
QUESTIONS = (
    Question(
        f"{SLOWEST} slowest statements by mean time",
        _STATEMENTS + " ORDER BY mean_exec_time DESC LIMIT :slowest",
        needs_statistics=True,
    ),
    _SLOW,
    Question(
        f"statements running for more than {STUCK_SECONDS} s",
        """
        SELECT pid, application_name AS application, extract(epoch FROM now() - query_start)::int AS seconds,
               coalesce(wait_event, '-') AS waits_for,
               left(regexp_replace(query, '\\s+', ' ', 'g'), :shortened) AS statement
        FROM pg_stat_activity
        WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()
              AND now() - query_start > make_interval(secs => :stuck)
        ORDER BY query_start
        """,
    ),
    Question(
        "connections by application",
        """
        SELECT coalesce(nullif(application_name, ''), '-') AS application, count(*) AS all,
               count(*) FILTER (WHERE state = 'active') AS active, count(*) FILTER (WHERE state = 'idle') AS idle,
               count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction
        FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
        GROUP BY 1 ORDER BY 2 DESC, 1
        """,
    ),
    _LARGEST,
    Question(
        f"{LARGEST} largest indexes, with how often they were used",
        """
        SELECT indexrelname AS index, relname AS table, pg_size_pretty(pg_relation_size(indexrelid)) AS size,
               idx_scan AS scans
        FROM pg_stat_user_indexes ORDER BY pg_relation_size(indexrelid) DESC, indexrelname LIMIT :largest
        """,
    ),
)


async def inspect(settings: ServiceSettings) -> list[Section]:
    """Every question, over the direct connection: a pooler's own connections would hide the applications."""
    async with Database(settings, task=Task.INSPECT) as database, database.writer.connect() as connection:
        known = await _knows_statements(connection)
        return [await _answer(connection, question, known) for question in QUESTIONS]


async def _knows_statements(connection: AsyncConnection) -> bool:
    found = await connection.execute(text("SELECT 1 FROM pg_extension WHERE extname = :name"), {"name": STATISTICS})
    preloaded = await connection.execute(text("SELECT current_setting('shared_preload_libraries', true)"))
    return found.scalar() is not None and STATISTICS in str(preloaded.scalar())


async def _answer(connection: AsyncConnection, question: Question, known: bool) -> Section:
    if question.needs_statistics and not known:
        return Section(question.title, (), (), NO_STATISTICS)
    result = await connection.execute(text(question.statement), LIMITS)
    rows: Sequence[Sequence[object]] = result.fetchall()
    return Section(question.title, tuple(result.keys()), tuple(tuple(str(cell) for cell in row) for row in rows))


def _review(name: str, question: Question) -> Chore:
    """A question whose answer is written into the log of the care; nothing is changed."""

    async def work(connection: AsyncConnection, _: bool) -> tuple[int, str]:
        found = await _answer(connection, question, await _knows_statements(connection))
        return len(found.rows), "\n".join(found.lines())

    return Chore(name, work)


SLOW_QUERIES = _review("slow queries", _SLOW)
LARGEST_TABLES = _review("largest tables", _LARGEST)
