"""Backups to S3 and back: what is restored is what was there, and what is damaged is refused."""

import asyncio
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from conftest import Fleet, Servers
from shelf import Shelf, run_sql, shelf_in
from starlette.testclient import TestClient

from app.postgres_programs import run
from app.settings import Settings
from localcloud.runner import tls
from localcloud.runner.certificates import Certificates
from localcloud.servers import free_port

BODY = {"topic": "Growing tomatoes on a balcony", "content_type": "social", "client_id": "acme"}


@pytest.fixture
def shelf(fleet: Fleet, servers: Servers, aws: str) -> Shelf:
    return shelf_in(fleet, servers, aws)


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


@pytest.fixture
def encrypted(servers: Servers, folder: Path) -> Iterator[str]:
    """The test server behind TLS, which it insists on as a managed one does; gives `host:port`."""
    certificates = Certificates(folder / "tls")
    certificates.ensure()
    port, context, ready = free_port(), certificates.server_context(), threading.Event()

    async def serve(ended: asyncio.Event) -> None:
        async with await tls.postgres("127.0.0.1", port, servers.postgres.port, context):
            ready.set()
            await ended.wait()

    with asyncio.Runner() as runner:
        loop, ended = runner.get_loop(), asyncio.Event()
        thread = threading.Thread(target=lambda: runner.run(serve(ended)))
        thread.start()
        assert ready.wait(10)
        yield f"127.0.0.1:{port}"
        loop.call_soon_threadsafe(ended.set)
        thread.join()


@pytest.mark.requirement("W01")
@pytest.mark.requirement("W03")
@pytest.mark.parametrize("mode", ["require", "verify-ca"])
def test_a_database_that_insists_on_tls_is_backed_up_and_its_backup_tried(
    shelf: Shelf, servers: Servers, database_url: str, folder: Path, encrypted: str, mode: str
) -> None:
    root = f"&sslrootcert={folder / 'tls' / 'ca-bundle.pem'}" if mode == "verify-ca" else ""
    url = database_url.replace(f"{servers.postgres.host}:{servers.postgres.port}", encrypted)
    shelf.fleet.environment["DATABASE_URL_DIRECT"] = url.replace("sslmode=disable", f"sslmode={mode}{root}")
    shelf.backup()
    status, output = shelf.check()
    assert status == 0, output


def test_a_certificate_that_nobody_vouches_for_ends_the_backup_with_the_reason(
    shelf: Shelf, servers: Servers, database_url: str, encrypted: str
) -> None:
    url = database_url.replace(f"{servers.postgres.host}:{servers.postgres.port}", encrypted)
    strict = Settings(
        database_url=database_url, database_url_direct=url.replace("sslmode=disable", "sslmode=verify-ca")
    )  # type: ignore[arg-type]
    strict = strict.model_copy(update={"pg_bin": shelf.variables["PG_BIN"]})
    ended = asyncio.run(run(strict, "pg_dump", ("--schema-only",), "test"))
    assert ended.code == 1
    assert "no TLS to 127.0.0.1" in ended.errors
    assert "certificate verify failed" in ended.errors


def test_each_region_keeps_its_own_backups_in_the_bucket_that_all_share(shelf: Shelf, empty: str) -> None:
    own = shelf.backup()
    shelf.variables["REGION"] = "eu-west-1"
    other = shelf.backup()
    assert "/local-use1-" in own["database_key"] and "/local-euw1-" in other["database_key"]
    shelf.variables["REGION"] = "us-east-1"
    status, output = shelf.restore(empty)
    assert status == 0, output
    assert json.loads(output.splitlines()[-1])["database_key"] == own["database_key"]


def test_extensions_stay_with_the_administrator_who_alone_could_make_them_again(
    shelf: Shelf, servers: Servers, database_url: str
) -> None:
    own = database_url.rpartition("/")[2].partition("?")[0]
    run_sql(servers, own, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    made = shelf.backup()
    body = shelf.store.get_object(Bucket=shelf.bucket, Key=made["database_key"])["Body"].read()
    assert b"CREATE TABLE" in body
    assert b"CREATE EXTENSION" not in body
