"""`python -m app backup`: the database and the application's state, compressed, to S3 (W01)."""

import gzip
import hashlib
import json
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import boto3
from pydantic import BaseModel, ConfigDict
from sqlalchemy import text

from app import backup_metrics
from app.catalogue import migration_of, row_counts
from app.database import Database
from app.postgres_programs import run
from app.settings import Settings
from app.time_limits import Task

FOLDER = "db"
MANIFEST = ".manifest.json"


class BackupFailed(Exception):
    """No complete backup was written; the message says which step failed and why."""


class Manifest(BaseModel):
    """What was written; stored last, so that a backup without one is no backup."""

    model_config = ConfigDict(frozen=True)

    made_at: datetime
    database_key: str
    state_key: str
    bytes: int
    sha256: str
    version: str
    tables: dict[str, int] = {}
    """Rows of each table in the dump's own snapshot, for whoever restores it."""
    migration: str | None = None
    """The newest migration in that snapshot; release 0.1.0 did not write it down."""


@dataclass(frozen=True)
class Bucket:
    """Where backups are kept."""

    name: str
    region: str

    @classmethod
    def of(cls, settings: Settings) -> "Bucket":
        """The configured one. Raises BackupFailed when there is none."""
        if not settings.backup_bucket:
            raise BackupFailed("BACKUP_BUCKET is not set; name the bucket that backups are kept in")
        return cls(settings.backup_bucket, settings.backup_bucket_region or settings.region)

    def upload(self, path: Path, key: str, sha256: str) -> None:
        """A file, with its digest beside it."""
        self._client.upload_file(str(path), self.name, key, {"Metadata": {"sha256": sha256}})

    def put(self, key: str, body: bytes) -> None:
        """A small object."""
        self._client.put_object(Bucket=self.name, Key=key, Body=body)

    def get(self, key: str) -> bytes:
        """A small object. Raises botocore's ClientError when it is not there."""
        return bytes(self._client.get_object(Bucket=self.name, Key=key)["Body"].read())

    def download(self, key: str, path: Path) -> None:
        """A large object into a file."""
        self._client.download_file(self.name, key, str(path))

    def size(self, key: str) -> int:
        """Bytes of an object. Raises botocore's ClientError when it is not there."""
        return int(self._client.head_object(Bucket=self.name, Key=key)["ContentLength"])

    def newest(self, settings: Settings) -> str | None:
        """The key of the newest manifest of this environment and region: names begin with the date, end with the time.

        All regions share the bucket, and each has a database of its own.
        """
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=f"{FOLDER}/")
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        own = f"/{_origin(settings)}-"
        return max((key for key in keys if key.endswith(MANIFEST) and own in key), default=None)

    @property
    def _client(self):  # noqa: ANN202  boto3 makes its classes at run time
        return boto3.client("s3", region_name=self.region)


async def backup(settings: Settings) -> Manifest:
    """Dump, upload, and write the manifest under db/<date>/. Raises BackupFailed."""
    bucket, now = Bucket.of(settings), datetime.now(UTC)
    prefix = f"{FOLDER}/{now:%Y-%m-%d}/{_origin(settings)}-{now:%H%M%S}"
    with tempfile.TemporaryDirectory(prefix="contentgen-backup-") as folder:
        dump = Path(folder) / "database.dump"
        tables, migration = await _dump(settings, dump)
        manifest = Manifest(
            made_at=now,
            database_key=f"{prefix}.dump",
            state_key=f"{prefix}.state.json.gz",
            bytes=dump.stat().st_size,
            sha256=digest(dump),
            version=settings.version,
            tables=tables,
            migration=migration,
        )
        bucket.upload(dump, manifest.database_key, manifest.sha256)
    bucket.put(manifest.state_key, gzip.compress(_state(settings)))
    bucket.put(f"{prefix}{MANIFEST}", manifest.model_dump_json().encode())
    backup_metrics.count(settings, backup_metrics.BACKUP, BackupBytes=manifest.bytes)
    return manifest


def _origin(settings: Settings) -> str:
    return f"{settings.environment}-{settings.region_short}"


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


async def _dump(settings: Settings, target: Path) -> tuple[dict[str, int], str | None]:
    """Dump and count in one snapshot, so that a restored database can be held against the counts exactly."""
    database = Database(settings, task=Task.BACKUP)
    try:
        async with database.writer.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            snapshot = str((await connection.execute(text("SELECT pg_export_snapshot()"))).scalar_one())
            await _pg_dump(settings, target, snapshot)
            return await row_counts(connection), await migration_of(connection)
    finally:
        await database.close()


async def _pg_dump(settings: Settings, target: Path, snapshot: str) -> None:
    # Extensions are the administrator's, who makes them with the migration; the application's login could not.
    options = (
        "--format=custom",
        "--compress=1",
        "--exclude-extension=*",
        f"--snapshot={snapshot}",
        f"--file={target}",
    )
    try:
        ended = await run(settings, "pg_dump", options, "contentgen-backup")
    except OSError as error:
        raise BackupFailed(str(error)) from error
    if ended.code != 0:
        raise BackupFailed(f"pg_dump ended with {ended.code}: {ended.errors}")


def _state(settings: Settings) -> bytes:
    """What a rebuilt service needs to know beside its data; no secret."""
    fields = settings.model_dump(mode="json")
    public = {name: value for name, value in fields.items() if value != "**********"}
    return json.dumps({"settings": public}, sort_keys=True).encode()
