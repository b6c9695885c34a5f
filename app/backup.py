"""`python -m app backup`: the database and the application's state, compressed, to S3 (W01)."""

import gzip
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict
from sqlalchemy import text

from app import backup_metrics
from app.bucket import Bucket as ObjectBucket
from app.catalogue import migration_of, row_counts
from app.database import Database
from app.postgres_programs import ProgramFailed, Running, stream
from app.service_settings import ServiceSettings
from app.time_limits import Task

FOLDER = "db"
# S3 takes 10,000 parts, so a dump may have 320 GB; one part at a time is in memory.
PART_BYTES = 32 * 1024 * 1024
MANIFEST = ".manifest.json"


class BackupFailed(Exception):
    """No complete backup was written; the message says which step failed and why."""


class Manifest(BaseModel):
    """Manifest of a backup; stored last, so that a backup without one is no backup."""

    model_config = ConfigDict(frozen=True)

    made_at: datetime
    database_key: str
    state_key: str
    bytes: int
    sha256: str
    version: str
    tables: dict[str, int] = {}
    """Rows of each table in the dump's own snapshot, for the check of a restore."""
    migration: str | None = None
    """The newest migration in that snapshot; release 0.1.0 did not write it down."""
    database_bytes: int = 0
    """Size of the database on the server's disk; release 0.1.0 did not write it down."""


class Bucket(ObjectBucket):
    """Bucket that backups are kept in."""

    @classmethod
    def of(cls, settings: ServiceSettings) -> "Bucket":
        """The configured one. Raises BackupFailed when there is none."""
        if not settings.backup_bucket:
            raise BackupFailed("BACKUP_BUCKET is not set; name the bucket that backups are kept in")
        return cls(settings.backup_bucket, settings.backup_bucket_region or settings.region)

    def upload(self, source: "_Hashed", key: str) -> None:
        """Upload a stream in parts, each forgotten when it is stored; nothing is kept of one that fails."""
        parts = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, use_threads=False)
        self._client.upload_fileobj(source, self.name, key, Config=parts)

    def newest(self, settings: ServiceSettings) -> str | None:
        """The key of the newest manifest of this environment and region: names begin with the date, end with the time.

        All regions share the bucket, and each has a database of its own.
        """
        own = f"/{_origin(settings)}-"
        keys = (entry.key for entry in self.listed(f"{FOLDER}/"))
        return max((key for key in keys if key.endswith(MANIFEST) and own in key), default=None)


class _Hashed:
    """A program's output on its way to the bucket: how much went by, and its digest."""

    def __init__(self, source: Running) -> None:
        self._source = source
        self.digest = hashlib.sha256()
        self.bytes = 0

    def read(self, size: int = -1) -> bytes:
        """As a file's."""
        data = self._source.read(size)
        self.digest.update(data)
        self.bytes += len(data)
        return data


async def backup(settings: ServiceSettings) -> Manifest:
    """Dump straight into the bucket, and write the manifest under db/<date>/. Raises BackupFailed."""
    bucket, now = Bucket.of(settings), datetime.now(UTC)
    prefix = f"{FOLDER}/{now:%Y-%m-%d}/{_origin(settings)}-{now:%H%M%S}"
    dumped = await _dump(settings, bucket, f"{prefix}.dump")
    manifest = Manifest(
        made_at=now,
        database_key=f"{prefix}.dump",
        state_key=f"{prefix}.state.json.gz",
        version=settings.version,
        **vars(dumped),
    )
    bucket.put(manifest.state_key, gzip.compress(_state(settings)))
    bucket.put(f"{prefix}{MANIFEST}", manifest.model_dump_json().encode())
    backup_metrics.count(settings, backup_metrics.BACKUP, BackupBytes=manifest.bytes)
    return manifest


def _origin(settings: ServiceSettings) -> str:
    return f"{settings.environment}-{settings.region_short}"


@dataclass(frozen=True)
class _Dumped:
    """Facts about a dump for the manifest."""

    bytes: int
    sha256: str
    tables: dict[str, int]
    migration: str | None
    database_bytes: int


async def _dump(settings: ServiceSettings, bucket: Bucket, key: str) -> _Dumped:
    """Dump and count in one snapshot, so that a restored database can be held against the counts exactly."""
    async with Database(settings, task=Task.BACKUP) as database, database.writer.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        snapshot = str((await connection.execute(text("SELECT pg_export_snapshot()"))).scalar_one())
        stored = await _pg_dump(settings, bucket, key, snapshot)
        size = (await connection.execute(text("SELECT pg_database_size(current_database())"))).scalar_one()
        counts, migration = await row_counts(connection), await migration_of(connection)
        return _Dumped(stored.bytes, stored.digest.hexdigest(), counts, migration, int(size))


async def _pg_dump(settings: ServiceSettings, bucket: Bucket, key: str, snapshot: str) -> _Hashed:
    # Extensions are the administrator's, who makes them with the migration; the application's login could not.
    options = ("--format=custom", "--compress=1", "--exclude-extension=*", f"--snapshot={snapshot}")

    def store(running: Running) -> _Hashed:
        hashed = _Hashed(running)
        bucket.upload(hashed, key)
        return hashed

    try:
        return await stream(settings, "pg_dump", options, "contentgen-backup", store)
    except (ProgramFailed, BotoCoreError, ClientError, Boto3Error) as error:
        raise BackupFailed(str(error)) from error


def _state(settings: ServiceSettings) -> bytes:
    """State that a rebuilt service needs beside its data; no secret."""
    fields = settings.model_dump(mode="json")
    public = {name: value for name, value in fields.items() if value != "**********"}
    return json.dumps({"settings": public}, sort_keys=True).encode()
