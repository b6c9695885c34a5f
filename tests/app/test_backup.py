"""Backups to S3 and back: what is restored is what was there, and what is damaged is refused."""

import asyncio
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import boto3
import pytest
from conftest import TEMPLATE, Fleet, Servers, run_app
from starlette.testclient import TestClient

from app.backup import backup
from app.restore import RestoreFailed, restore
from app.settings import Settings
from localcloud.postgres import home

BODY = {"topic": "Growing tomatoes on a balcony", "content_type": "social", "client_id": "acme"}
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}


@dataclass
class Shelf:
    """A bucket, and commands that know it."""

    fleet: Fleet
    servers: Servers
    store: Any
    bucket: str
    variables: dict[str, str]

    def backup(self) -> dict[str, Any]:
        done = run_app(self.fleet, "backup", **self.variables)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "postgres-password" not in done.stdout + done.stderr
        return dict(json.loads(done.stdout.splitlines()[-1]))

    def restore(self, database: str, *options: str) -> "tuple[int, str]":
        url = self.servers.database_url(database)
        there = {"DATABASE_URL": url, "DATABASE_URL_DIRECT": url}
        done = run_app(self.fleet, "restore", *options, **self.variables, **there)
        assert "postgres-password" not in done.stdout + done.stderr
        return done.returncode, done.stdout

    def replace(self, key: str, change: Callable[[bytes], bytes]) -> None:
        body = self.store.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        self.store.put_object(Bucket=self.bucket, Key=key, Body=change(body))


@pytest.fixture
def shelf(fleet: Fleet, servers: Servers, aws: str) -> Shelf:
    store = boto3.client("s3", endpoint_url=aws, **KEYS)
    bucket = f"backups-{uuid4().hex[:8]}"
    store.create_bucket(Bucket=bucket)
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": aws}
    return Shelf(fleet, servers, store, bucket, {"BACKUP_BUCKET": bucket, "PG_BIN": str(home() / "bin"), **credentials})


def run_sql(servers: Servers, database: str, statement: str) -> list[tuple[object, ...]]:
    async def run() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(servers.database_url(database))
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(run())


@pytest.fixture
def empty(servers: Servers) -> str:
    name = f"t_{uuid4().hex[:16]}"
    run_sql(servers, "postgres", f"CREATE DATABASE {name} TEMPLATE template0")
    return name


@pytest.mark.requirement("W01")
def test_a_backup_is_written_with_a_manifest_and_no_secret(shelf: Shelf) -> None:
    manifest = shelf.backup()
    body = shelf.store.get_object(Bucket=shelf.bucket, Key=manifest["database_key"])["Body"].read()
    assert body.startswith(b"PGDMP") and len(body) == manifest["bytes"]
    assert manifest["database_key"].startswith("db/")
    state = gzip.decompress(shelf.store.get_object(Bucket=shelf.bucket, Key=manifest["state_key"])["Body"].read())
    assert b"postgres-password" not in state and b"environment" in state


@pytest.mark.requirement("W06")
def test_what_is_restored_is_what_was_there_and_the_service_reads_it(
    shelf: Shelf, empty: str, client: TestClient, make_client: Callable[..., TestClient], database_url: str
) -> None:
    jobs = {client.post("/generate", json=BODY).json()["job_id"] for _ in range(3)}
    shelf.backup()
    client.post("/generate", json=BODY)
    status, output = shelf.restore(empty)
    assert status == 0, output
    restored = json.loads(output.splitlines()[-1])
    assert sum(rows for table, rows in restored["tables"].items() if table.startswith("jobs_")) == 3
    assert restored["age_seconds"] > 0 and restored["seconds"] > 0
    url = shelf.servers.database_url(empty)
    there = make_client(database_url=url, database_url_direct=url)
    assert {job["job_id"] for job in there.get("/jobs?client_id=acme").json()["jobs"]} == jobs
    own = database_url.rpartition("/")[2].partition("?")[0]
    query = "SELECT * FROM alembic_version"
    assert run_sql(shelf.servers, empty, query) == run_sql(shelf.servers, own, query)


def test_a_database_that_holds_something_is_refused_unless_told(shelf: Shelf, empty: str) -> None:
    shelf.backup()
    run_sql(shelf.servers, empty, "CREATE TABLE precious AS SELECT 1 AS thing")
    status, output = shelf.restore(empty)
    assert status == 1 and "--force" in output
    assert run_sql(shelf.servers, empty, "SELECT * FROM precious") == [(1,)]
    assert shelf.restore(empty, "--force")[0] == 0
    assert run_sql(shelf.servers, empty, "SELECT to_regclass('precious'), to_regclass('jobs') IS NOT NULL")[0][1]


@pytest.mark.requirement("W03")
def test_a_backup_is_proven_in_a_scratch_database_that_is_gone_afterwards(shelf: Shelf) -> None:
    shelf.backup()
    before = run_sql(shelf.servers, "postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'scratch%'")
    status, output = shelf.restore(TEMPLATE, "--scratch")
    assert status == 0, output
    assert run_sql(shelf.servers, "postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'scratch%'") == before


@pytest.mark.requirement("W03")
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("flipped", "is damaged"),
        ("truncated", "is damaged"),
        ("empty", "is damaged"),
        ("missing", "cannot be read"),
        ("other rows", "not those of the backup"),
        ("no manifest", "holds no backup"),
    ],
)
def test_a_damaged_backup_is_never_taken_for_a_good_one(
    shelf: Shelf, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, damage: str, told: str
) -> None:
    for name, value in shelf.variables.items():
        monkeypatch.setenv(name, value)
    settings = make_settings(backup_bucket=shelf.bucket, pg_bin=shelf.variables["PG_BIN"])
    dump = asyncio.run(backup(settings)).database_key
    listed = dump.replace(".dump", ".manifest.json")
    if damage == "missing":
        shelf.store.delete_object(Bucket=shelf.bucket, Key=dump)
    elif damage == "no manifest":
        shelf.store.delete_object(Bucket=shelf.bucket, Key=listed)
    elif damage == "other rows":
        shelf.replace(listed, lambda body: body.replace(b'"alembic_version":1', b'"alembic_version":2'))
    else:
        changes = {
            "flipped": lambda body: body[:5000] + bytes((body[5000] ^ 1,)) + body[5001:],
            "truncated": lambda body: body[:-100],
            "empty": lambda body: b"",
        }
        shelf.replace(dump, changes[damage])
    with pytest.raises(RestoreFailed, match=told):
        asyncio.run(restore(settings, scratch=True))
