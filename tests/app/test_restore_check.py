"""The check of backups: the newest one restored beside the database, counted, dropped, and every bad one told."""

import asyncio
import hashlib
import json
from collections.abc import Callable

import asyncpg
import boto3
import pytest
from conftest import Fleet, Servers
from shelf import KEYS, Shelf, run_sql, shelf_in

from app import backup_metrics
from app.backup import backup
from app.locks import Lock
from app.restore import RestoreFailed
from app.restore_check import check
from app.settings import Settings


@pytest.fixture
def shelf(fleet: Fleet, servers: Servers, aws: str) -> Shelf:
    return shelf_in(fleet, servers, aws)


@pytest.fixture
def own_database(database_url: str) -> str:
    return database_url.rpartition("/")[2].partition("?")[0]


@pytest.fixture
def here(shelf: Shelf, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings for calls in this process."""
    for name, value in shelf.variables.items():
        monkeypatch.setenv(name, value)
    return make_settings(backup_bucket=shelf.bucket, pg_bin=shelf.variables["PG_BIN"])


def scratches(servers: Servers, database: str) -> list[str]:
    every = [str(row[0]) for row in run_sql(servers, "postgres", "SELECT datname FROM pg_database")]
    return [name for name in every if name.startswith(f"{database}_scratch_")]


def counted(shelf: Shelf, aws: str) -> dict[str, list[float]]:
    """CloudWatch metrics that were sent, by name."""
    listed = boto3.client("cloudwatch", endpoint_url=aws, **KEYS).get_paginator("list_metrics").paginate()
    found: dict[str, list[float]] = {}
    for metric in (metric for page in listed for metric in page["Metrics"]):
        if metric["Namespace"] == shelf.variables["BACKUP_METRICS"]:
            found.setdefault(metric["MetricName"], []).extend(one["Value"] for one in metric["Dimensions"])
    return found


@pytest.mark.requirement("W03")
@pytest.mark.requirement("W06")
def test_the_newest_backup_is_restored_counted_told_and_dropped(
    shelf: Shelf, servers: Servers, aws: str, own_database: str
) -> None:
    run_sql(servers, own_database, "INSERT INTO feature_flags VALUES ('one', true, 1, now())")
    made = shelf.backup()
    status, output = shelf.check()
    assert status == 0, output
    checked = json.loads(output.splitlines()[-1])
    assert checked["database_key"] == made["database_key"]
    assert checked["tables"]["feature_flags"] == 1
    assert checked["migration"] == run_sql(servers, own_database, "SELECT version_num FROM alembic_version")[0][0]
    assert checked["seconds"] > 0
    assert checked["age_seconds"] > 0
    assert scratches(servers, own_database) == []
    told = counted(shelf, aws)
    assert set(told) == {
        backup_metrics.BACKUP,
        "BackupBytes",
        backup_metrics.RESTORE_CHECK,
        "RestoreSeconds",
        "BackupAgeSeconds",
    }
    assert told[backup_metrics.RESTORE_CHECK] == ["us-east-1"]


@pytest.mark.requirement("W03")
def test_a_check_may_be_repeated_and_leaves_the_database_as_it_was(shelf: Shelf, own_database: str) -> None:
    shelf.backup()
    query = "SELECT count(*) FROM pg_class"
    before = run_sql(shelf.servers, own_database, query)
    assert [shelf.check()[0] for _ in range(2)] == [0, 0]
    assert run_sql(shelf.servers, own_database, query) == before


@pytest.mark.requirement("W03")
def test_an_empty_bucket_fails_the_check_and_counts_no_success(shelf: Shelf, aws: str) -> None:
    status, output = shelf.check()
    assert status == 1
    assert "holds no backup of local in us-east-1" in output
    assert counted(shelf, aws) == {}


@pytest.mark.requirement("W03")
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("flipped", "is damaged"),
        ("cut off", "is damaged"),
        ("empty", "is damaged"),
        ("missing", "cannot be read"),
        ("other rows", "not those of the backup"),
        ("other migration", "the backup's was 9999"),
        ("no dump, with its digest", "pg_restore ended with"),
        ("no manifest", "holds no backup"),
    ],
)
def test_a_damaged_backup_is_never_taken_for_a_good_one(
    shelf: Shelf, here: Settings, aws: str, own_database: str, damage: str, told: str
) -> None:
    made = asyncio.run(backup(here))
    dump, listed = made.database_key, made.database_key.replace(".dump", ".manifest.json")
    if damage == "missing":
        shelf.store.delete_object(Bucket=shelf.bucket, Key=dump)
    elif damage == "no manifest":
        shelf.store.delete_object(Bucket=shelf.bucket, Key=listed)
    elif damage == "other rows":
        shelf.replace(listed, lambda body: body.replace(b'"alembic_version":1', b'"alembic_version":2'))
    elif damage == "other migration":
        said = f'"migration":"{made.migration}"'.encode()
        shelf.replace(listed, lambda body: body.replace(said, b'"migration":"9999"'))
    elif damage == "no dump, with its digest":
        shelf.replace(dump, lambda _: b"not a dump")
        digest = hashlib.sha256(b"not a dump").hexdigest()
        shelf.replace(listed, lambda body: body.replace(made.sha256.encode(), digest.encode()))
    else:
        changes: dict[str, Callable[[bytes], bytes]] = {
            "flipped": lambda body: body[:5000] + bytes((body[5000] ^ 1,)) + body[5001:],
            "cut off": lambda body: body[:-100],
            "empty": lambda _: b"",
        }
        shelf.replace(dump, changes[damage])
    with pytest.raises(RestoreFailed, match=told):
        asyncio.run(check(here))
    assert scratches(shelf.servers, own_database) == []
    assert backup_metrics.RESTORE_CHECK not in counted(shelf, aws)


@pytest.mark.requirement("W03")
def test_a_backup_that_is_too_old_fails_the_check_and_names_the_job_to_look_at(shelf: Shelf, here: Settings) -> None:
    made = asyncio.run(backup(here))
    listed = made.database_key.replace(".dump", ".manifest.json")
    shelf.replace(listed, lambda body: body.replace(made.made_at.strftime("%Y").encode(), b"2001", 1))
    with pytest.raises(RestoreFailed, match=r"h old; allowed are 26 h: look at the job 'backup'"):
        asyncio.run(check(here, within_hours=26))
    assert asyncio.run(check(here)).age_seconds > 26 * 3600


@pytest.mark.requirement("W03")
def test_what_a_killed_check_left_behind_is_swept_up_by_the_next_one(
    shelf: Shelf, servers: Servers, own_database: str
) -> None:
    shelf.backup()
    left, foreign = f"{own_database}_scratch_00000000", f"x{own_database}_scratch_00000000"
    for name in (left, foreign):
        run_sql(servers, "postgres", f"CREATE DATABASE {name}")
    status, output = shelf.check()
    assert status == 0, output
    assert scratches(servers, own_database) == []
    assert scratches(servers, f"x{own_database}") == [foreign]


def test_a_second_check_at_the_same_time_is_refused_and_touches_nothing(
    shelf: Shelf, servers: Servers, own_database: str
) -> None:
    shelf.backup()

    async def with_another_one() -> tuple[int, str]:
        other = await asyncpg.connect(servers.database_url("postgres"))
        try:
            await other.execute(f"SELECT pg_advisory_lock({Lock.COPY})")
            return await asyncio.to_thread(shelf.check)
        finally:
            await other.close()

    status, output = asyncio.run(with_another_one())
    assert status == 1
    assert "another restore or restore check is running" in output


@pytest.mark.requirement("W03")
def test_a_check_that_does_not_fit_on_the_server_is_refused_with_the_figures(
    shelf: Shelf, servers: Servers, own_database: str
) -> None:
    made = shelf.backup()
    assert made["database_bytes"] > 8_000_000
    listed = made["database_key"].replace(".dump", ".manifest.json")
    size = f'"database_bytes":{made["database_bytes"]}'.encode()
    shelf.replace(listed, lambda body: body.replace(size, b'"database_bytes":21474836480'))
    for command in (shelf.check, lambda: shelf.restore(own_database, "--force")):
        shelf.variables["DATABASE_STORAGE_GB"] = "30"
        status, output = command()
        assert status == 1
        assert "needs 30.0 GB (1.5 times its size); of the server's 30 GB (DATABASE_STORAGE_GB) 2" in output
    shelf.variables["DATABASE_STORAGE_GB"] = "60"
    assert shelf.check()[0] == 0
    assert scratches(servers, own_database) == []


def test_a_dry_run_looks_for_the_whole_backup_and_makes_no_database(
    shelf: Shelf, here: Settings, servers: Servers, aws: str, own_database: str
) -> None:
    made = asyncio.run(backup(here))
    checked = asyncio.run(check(here, dry_run=True))
    assert (checked.dry_run, checked.database_key) == (True, made.database_key)
    assert scratches(servers, own_database) == []
    assert backup_metrics.RESTORE_CHECK not in counted(shelf, aws)
    shelf.replace(made.database_key, lambda body: body[:-1])
    with pytest.raises(RestoreFailed, match="its manifest says"):
        asyncio.run(check(here, dry_run=True))
