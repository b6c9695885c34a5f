"""Backups to S3 and back: what is restored is what was there, and what is damaged is refused."""

import asyncio
import gzip
import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from conftest import Fleet, Servers, eventually, run_app
from shelf import Shelf, run_sql, shelf_in
from starlette.testclient import TestClient

from app.postgres_programs import ProgramFailed, stream
from app.settings import Settings
from localcloud.runner import tls
from localcloud.runner.certificates import Certificates
from localcloud.servers import free_port

BODY = {"topic": "Growing tomatoes on a balcony", "content_type": "social", "client_id": "acme"}

NOISE = """
CREATE TABLE large AS SELECT string_agg(sha512(i::text::bytea || n::text::bytea), '') AS noise
FROM generate_series(1, 500) i, generate_series(1, 2200) n GROUP BY n
"""


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
    # Asked after the backup: on the night of a test's midnight the folder is of the day before.
    days = {datetime.now(UTC).date(), datetime.now(UTC).date() - timedelta(days=1)}
    assert manifest["database_key"].split("/")[:2] in [["db", str(day)] for day in days]
    assert re.fullmatch(r"local-use1-[0-9]{6}\.dump", manifest["database_key"].split("/")[2])
    listed = shelf.store.list_objects_v2(Bucket=shelf.bucket)["Contents"]
    assert len({entry["Key"].rpartition("/")[0] for entry in listed}) == 1, "dump, state and manifest together"
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
    status, output = shelf.restore(empty, "--force")
    assert status == 0, output
    assert run_sql(shelf.servers, empty, "SELECT to_regclass('precious'), to_regclass('jobs') IS NOT NULL") == [
        (None, True)
    ]
    kept = json.loads(output.splitlines()[-1])["kept_as"]
    assert kept.startswith(f"{empty}_before_2")
    assert run_sql(shelf.servers, kept, "SELECT * FROM precious") == [(1,)]


@pytest.mark.parametrize("failing", ["pg_restore", "counts"])
def test_a_restore_that_fails_leaves_the_database_as_it_was(
    shelf: Shelf, servers: Servers, database_url: str, tmp_path: Path, failing: str
) -> None:
    own = database_url.rpartition("/")[2].partition("?")[0]
    made = shelf.backup()
    run_sql(servers, own, "INSERT INTO api_keys VALUES ('k', 'x', 'acme', '', 'free', now())")
    if failing == "pg_restore":
        fake = tmp_path / "pg_restore"
        fake.write_text("#!/bin/sh\necho 'could not extend file: No space left on device' >&2\nexit 1\n")
        fake.chmod(0o755)
        shelf.variables["PG_BIN"] = str(tmp_path)
    else:
        listed = made["database_key"].replace(".dump", ".manifest.json")
        shelf.replace(listed, lambda body: body.replace(b'"api_keys":0', b'"api_keys":7'))
    status, output = shelf.restore(own, "--force")
    assert status == 1, output
    assert run_sql(servers, own, "SELECT id FROM api_keys") == [("k",)]
    names = [str(row[0]) for row in run_sql(servers, "postgres", "SELECT datname FROM pg_database")]
    assert [name for name in names if name.startswith(own)] == [own]


def test_clients_that_are_connected_while_the_database_is_replaced_come_back_to_the_new_one(
    shelf: Shelf, servers: Servers, client: TestClient, database_url: str
) -> None:
    own = database_url.rpartition("/")[2].partition("?")[0]
    first = client.post("/generate", json=BODY).json()["job_id"]
    run_sql(servers, own, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    shelf.backup()
    second = client.post("/generate", json=BODY).json()["job_id"]
    status, output = shelf.restore(own, "--force")
    assert status == 0, output
    eventually(lambda: client.get(f"/status/{first}").status_code == 200)
    assert client.get(f"/status/{second}").status_code == 404
    assert client.post("/generate", json=BODY).status_code == 202
    assert run_sql(servers, own, "SELECT extname FROM pg_extension WHERE extname = 'pg_stat_statements'")


def test_a_dump_is_never_on_this_machines_disk_and_half_of_one_is_no_backup(
    shelf: Shelf, fleet: Fleet, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    fake = tmp_path / "pg_dump"
    fake.write_text("#!/bin/sh\nhead -c 40000000 /dev/zero\necho 'connection lost' >&2\nexit 1\n")
    fake.chmod(0o755)
    done = run_app(fleet, "backup", **{**shelf.variables, "PG_BIN": str(tmp_path), "TMPDIR": str(nowhere)})
    assert done.returncode == 1
    assert "pg_dump ended with 1: connection lost" in done.stdout
    assert shelf.store.list_objects_v2(Bucket=shelf.bucket)["KeyCount"] == 0
    assert not shelf.store.list_multipart_uploads(Bucket=shelf.bucket).get("Uploads")


def test_a_dump_of_many_parts_is_whole(shelf: Shelf, servers: Servers, database_url: str, empty: str) -> None:
    own = database_url.rpartition("/")[2].partition("?")[0]
    run_sql(servers, own, NOISE)
    made = shelf.backup()
    assert made["bytes"] > 64 * 1024 * 1024
    assert shelf.store.head_object(Bucket=shelf.bucket, Key=made["database_key"])["ETag"].endswith('-3"')
    status, output = shelf.restore(empty)
    assert status == 0, output


@pytest.fixture
def encrypted(servers: Servers, folder: Path) -> Iterator[str]:
    """The test server behind TLS, which it insists on as a managed one does; gives `host:port`."""
    certificates = Certificates(folder / "tls")
    certificates.ensure()
    port, context, ready = free_port(), certificates.server_context(), threading.Event()

    async def serve(ended: asyncio.Event) -> None:
        async with await tls.postgres("127.0.0.1", port, ("127.0.0.1", servers.postgres.port), context):
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
    with pytest.raises(ProgramFailed, match=r"ended with 1: .*no TLS to 127.0.0.1.*certificate verify failed"):
        asyncio.run(stream(strict, "pg_dump", ("--schema-only",), "test", lambda running: running.read()))


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
