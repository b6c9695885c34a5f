"""Job ids: `use1-0197c3f1-...`, the owning region and a time-ordered UUID (version 7, RFC 9562).

The region lets any region answer for any job (it knows whom to ask); the time inside is the row's created_at, so a
look-up by id alone reads one monthly partition and its unique index.
"""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

_DIRECTIONS = {"north": "n", "south": "s", "east": "e", "west": "w", "central": "c"}
_PATTERN = re.compile(
    r"^(?P<region>[a-z]{2,8}\d)-(?P<uuid>[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$"
)
LATEST_MILLISECONDS = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)
JOB_ID_PATTERN = r"^[a-z]{2,8}[0-9]-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"


@cache
def region_code(region: str) -> str:
    """AWS's own short form of a region: us-east-1 -> use1, ap-southeast-1 -> apse1. Raises ValueError for others."""
    match = re.fullmatch(r"([a-z]{2})-((?:north|south|east|west|central)+)-(\d)", region)
    if not match:
        raise ValueError(f"'{region}' is not a region such as us-east-1")
    area, direction, number = match.groups()
    letters = "".join(_DIRECTIONS[word] for word in re.findall("north|south|east|west|central", direction))
    return f"{area}{letters}{number}"


@dataclass(frozen=True)
class JobId:
    """A parsed job id. `str()` gives the form clients see."""

    region: str
    uuid: UUID

    @classmethod
    def new(cls, region: str, moment: datetime | None = None) -> "JobId":
        """A fresh id for a job that `region` (short form) owns; the moment is this machine's unless one is given."""
        return cls(region, uuid7(int((moment or datetime.now(UTC)).timestamp() * 1000)))

    @classmethod
    def parse(cls, text: str) -> "JobId":
        """Raises ValueError for anything that this service cannot have given out."""
        match = _PATTERN.match(text)
        if not match:
            raise ValueError(f"'{text[:60]}' is not a job id")
        job = cls(match["region"], UUID(match["uuid"]))
        if job.uuid.int >> 80 > LATEST_MILLISECONDS:
            raise ValueError(f"'{text[:60]}' is not a job id: its time is beyond the year 2100")
        return job

    @property
    def created_at(self) -> datetime:
        """The moment the id was made, in milliseconds; the row carries the same value."""
        milliseconds = self.uuid.int >> 80
        return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)

    def __str__(self) -> str:
        return f"{self.region}-{self.uuid}"


def uuid7(milliseconds: int) -> UUID:
    """A UUID of version 7 (RFC 9562) for a time in milliseconds since 1970: later ones sort after earlier ones."""
    random = int.from_bytes(os.urandom(10))
    high = (random >> 68) & 0xFFF
    low = random & ((1 << 62) - 1)
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 7 << 76 | high << 64 | 2 << 62 | low)
