"""The monthly partitions of `jobs`: made ahead of time, indexed without blocking writers, dropped when they age out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Connection, text

MONTHS_AHEAD = 3
DEFAULT = "jobs_default"
"""Takes the rows that fit no month, so that no job is refused; it should be empty."""


@dataclass(frozen=True)
class JobIndex:
    """An index that the parent and every partition carry."""

    name: str
    definition: str


JOB_INDEXES = (
    JobIndex("jobs_open", "(status, created_at DESC) WHERE status IN ('pending', 'in_progress')"),
    JobIndex("jobs_client", "(client_id, created_at DESC)"),
)
CARE_INDEXES = (
    JobIndex("jobs_owner", "(owner, created_at DESC) WHERE owner IS NOT NULL"),
    JobIndex("jobs_failed", "(created_at DESC) WHERE status = 'failed'"),
)


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month in UTC."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        """The month a moment falls in."""
        there = moment.astimezone(UTC)
        return cls(there.year, there.month)

    def plus(self, months: int) -> "Month":
        """The month so many later (or earlier)."""
        position = self.year * 12 + self.number - 1 + months
        return Month(position // 12, position % 12 + 1)

    @property
    def first_day(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def table(self) -> str:
        """The name of its partition."""
        return f"jobs_{self.year:04d}_{self.number:02d}"


def existing(connection: Connection) -> tuple[str, ...]:
    """The partitions attached to jobs now."""
    found = connection.execute(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'jobs'::regclass ORDER BY 1")
    )
    return tuple(row[0] for row in found)


def months_needed(now: datetime, ahead: int = MONTHS_AHEAD) -> tuple[Month, ...]:
    """This month and those ahead."""
    return tuple(Month.of(now).plus(offset) for offset in range(ahead + 1))


def create_ahead(connection: Connection, now: datetime, ahead: int = MONTHS_AHEAD) -> tuple[str, ...]:
    """Make the missing partitions, also those for rows in the default partition, and return their names.

    The connection's transaction is committed after each, so that locks are short: table, rows and attachment are there
    together or not at all. ATTACH locks the parent less than CREATE ... PARTITION OF.
    """
    present = existing(connection)
    missing = {*months_needed(now, ahead), *_strayed(connection)}
    made = [month for month in sorted(missing) if month.table not in present]
    for month in made:
        _create(connection, month)
        connection.commit()
    return tuple(month.table for month in made)


def _strayed(connection: Connection) -> tuple[Month, ...]:
    """The months of rows in the default partition: a clock was wrong, or maintenance made no partitions for months."""
    query = f"SELECT DISTINCT date_trunc('month', created_at AT TIME ZONE 'UTC') FROM {DEFAULT}"  # noqa: S608
    return tuple(Month(row[0].year, row[0].month) for row in connection.execute(text(query)))


def _create(connection: Connection, month: Month) -> None:
    """A partition with the rows that lie in the default one; with those there, Postgres would refuse to attach it."""
    first, after = (f"'{edge.first_day} 00:00+00'" for edge in (month, month.plus(1)))
    # One that is there and no partition is what an older release left when it waited for a lock in vain.
    like = "(LIKE jobs INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
    connection.execute(text(f"CREATE TABLE IF NOT EXISTS {month.table} {like}"))
    # Before the rows are looked for, so that none comes in between.
    connection.execute(text(f"LOCK TABLE {DEFAULT} IN ACCESS EXCLUSIVE MODE"))
    moved = f"DELETE FROM {DEFAULT} WHERE created_at >= {first} AND created_at < {after} RETURNING *"  # noqa: S608
    connection.execute(text(f"WITH moved AS ({moved}) INSERT INTO {month.table} SELECT * FROM moved"))  # noqa: S608
    connection.execute(text(f"ALTER TABLE jobs ATTACH PARTITION {month.table} FOR VALUES FROM ({first}) TO ({after})"))


def index_statements(connection: Connection, index: JobIndex) -> Iterator[str]:
    """The statements that give an existing tree of partitions one more index; each may be run again after a crash."""
    yield f"CREATE INDEX IF NOT EXISTS {index.name} ON ONLY jobs {index.definition}"
    for partition in existing(connection):
        own = f"{partition}_{index.name}"
        if _attached(connection, partition, index):
            # Of an earlier run, or of a partition that came after the parent's index, under a name of Postgres'.
            continue
        if _valid(connection, own) is False:
            yield f"DROP INDEX CONCURRENTLY {own}"
        yield f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {own} ON {partition} {index.definition}"
        yield f"ALTER INDEX {index.name} ATTACH PARTITION {own}"


def _attached(connection: Connection, partition: str, index: JobIndex) -> bool:
    statement = text(
        "SELECT 1 FROM pg_inherits JOIN pg_index ON indexrelid = inhrelid"
        " WHERE inhparent = to_regclass(:index) AND indrelid = to_regclass(:partition)"
    )
    return connection.execute(statement, {"index": index.name, "partition": partition}).scalar() is not None


def _valid(connection: Connection, index: str) -> bool | None:
    statement = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    return connection.execute(statement, {"name": index}).scalar()
