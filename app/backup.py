"""`python -m app backup`: the database and the application's state, compressed, to S3 (W01)."""

import gzip
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import boto3
from pydantic import SecretStr
from sqlalchemy import make_url

from app.settings import Settings


class BackupFailed(Exception):
    """No complete backup was written; the message says which step failed and why."""


@dataclass(frozen=True)
class Manifest:
    """What was written; stored last, so that a backup without one is no backup."""

    made_at: str
    database_key: str
    state_key: str
    bytes: int
    sha256: str
    version: str


def backup(settings: Settings) -> Manifest:
    """Dump, upload, and write the manifest under db/<date>/. Raises BackupFailed."""
    if not settings.backup_bucket:
        raise BackupFailed("BACKUP_BUCKET is not set; name the bucket backups go to")
    now = datetime.now(UTC)
    prefix = f"db/{now:%Y-%m-%d}/{settings.environment}-{now:%H%M%S}"
    store = boto3.client("s3", region_name=settings.region)
    with tempfile.TemporaryDirectory(prefix="contentgen-backup-") as folder:
        dump = Path(folder) / "database.dump"
        _dump(settings, dump)
        manifest = Manifest(
            made_at=now.isoformat(),
            database_key=f"{prefix}.dump",
            state_key=f"{prefix}.state.json.gz",
            bytes=dump.stat().st_size,
            sha256=_digest(dump),
            version=settings.version,
        )
        store.upload_file(
            str(dump), settings.backup_bucket, manifest.database_key, {"Metadata": {"sha256": manifest.sha256}}
        )
    store.put_object(Bucket=settings.backup_bucket, Key=manifest.state_key, Body=gzip.compress(_state(settings)))
    store.put_object(
        Bucket=settings.backup_bucket, Key=f"{prefix}.manifest.json", Body=json.dumps(asdict(manifest)).encode()
    )
    return manifest


def program(settings: Settings, name: str) -> str:
    """A Postgres program from PG_BIN, else from PATH. Raises BackupFailed."""
    path = os.pathsep.join(part for part in (settings.pg_bin, os.environ.get("PATH")) if part)
    found = shutil.which(name, path=path)
    if not found:
        raise BackupFailed(f"{name} was not found on PATH or in PG_BIN; install Postgres' client programs")
    return found


def libpq_environment(secret: SecretStr) -> dict[str, str]:
    """Connection settings for libpq's programs: never in argv, where every user of the machine reads them.

    The host name is resolved here, because statically linked client programs may lack a resolver.
    """
    url = make_url(secret.get_secret_value())
    host, port = url.host or "localhost", url.port or 5432
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
    except OSError as error:
        raise BackupFailed(f"the database's host '{host}' cannot be resolved: {error}") from error
    variables = {
        "PGHOST": host,
        "PGHOSTADDR": str(address),
        "PGPORT": str(port),
        "PGUSER": url.username or "",
        "PGPASSWORD": str(url.password or ""),
        "PGDATABASE": url.database or "",
        "PGSSLMODE": str(url.query.get("sslmode", "prefer")),
        "PGSSLROOTCERT": str(url.query.get("sslrootcert", "")),
        "PGCONNECT_TIMEOUT": "10",
        "PGAPPNAME": "contentgen-backup",
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
    }
    return {name: value for name, value in variables.items() if value}


def _dump(settings: Settings, target: Path) -> None:
    command = [program(settings, "pg_dump"), "--format=custom", "--compress=1", "--no-password", f"--file={target}"]
    environment = libpq_environment(settings.database_url_direct)
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BackupFailed(f"pg_dump ended with {result.returncode}: {result.stderr.strip()[-1000:]}")


def _state(settings: Settings) -> bytes:
    """What a rebuilt service needs to know beside its data; no secret."""
    fields = settings.model_dump(mode="json")
    public = {name: value for name, value in fields.items() if value != "**********"}
    return json.dumps({"settings": public}, sort_keys=True).encode()


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
