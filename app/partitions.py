"""The monthly partitions of `jobs`: made ahead of time, indexed without blocking writers, dropped when they age out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Connection, text

MONTHS_AHEAD = 3


@dataclass(frozen=True)
class JobIndex:
    """An index that the parent and every partition carry."""

    name: str
    definition: str


JOB_INDEXES = (
    JobIndex("jobs_open", "(status, created_at DESC) WHERE status IN ('pending', 'in_progress')"),
    JobIndex("jobs_client", "(client_id, created_at DESC)"),
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
    """Make the missing partitions and return their names. ATTACH locks the parent less than CREATE ... PARTITION OF."""
    present = existing(connection)
    made: list[str] = []
    for month in months_needed(now, ahead):
        if month.table in present:
            continue
        first, after = month.first_day, month.plus(1).first_day
        connection.execute(text(f"CREATE TABLE {month.table} (LIKE jobs INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"))
        connection.execute(
            text(
                f"ALTER TABLE jobs ATTACH PARTITION {month.table}"
                f" FOR VALUES FROM ('{first} 00:00+00') TO ('{after} 00:00+00')"
            )
        )
        made.append(month.table)
    return tuple(made)


def index_statements(connection: Connection, index: JobIndex) -> Iterator[str]:
    """The statements that give an existing tree of partitions one more index; each may be run again after a crash."""
    yield f"CREATE INDEX IF NOT EXISTS {index.name} ON ONLY jobs {index.definition}"
    for partition in existing(connection):
        own = f"{partition}_{index.name}"
        if _valid(connection, own) is False:
            yield f"DROP INDEX CONCURRENTLY {own}"
        yield f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {own} ON {partition} {index.definition}"
        yield f"ALTER INDEX {index.name} ATTACH PARTITION {own}"


def _valid(connection: Connection, index: str) -> bool | None:
    statement = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    return connection.execute(statement, {"name": index}).scalar()
