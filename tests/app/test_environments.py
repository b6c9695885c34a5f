"""Made-up data for development and anonymous copies for staging, on a real database (requirement S08)."""

import asyncio
import json
import subprocess
from collections.abc import Callable

import pytest
from conftest import Fleet, Servers, run_app
from pydantic import SecretStr
from shelf import run_sql
from starlette.testclient import TestClient

from app.anonymise import AnonymisingRefused, anonymise
from app.domain import JobStatus
from app.postgres_programs import environment
from app.seed import CLIENTS, STATES, TOPICS, SeedRefused, seed
from app.settings import Settings
from localcloud.postgres import home

CANARY = "canary-of-a-client"
JOBS = len(CLIENTS) * len(TOPICS) * len(STATES)

KEPT = {
    "alembic_version": {"version_num"},
    "api_keys": {"tier", "created_at", "revoked_at", "changed_at", "tier_event_at"},
    "feature_flags": {"name", "enabled", "percent", "updated_at"},
    "jobs": {
        "id", "created_at", "content_type", "priority", "status", "attempt", "progress", "updated_at", "started_at",
        "finished_at", "expires_at", "provider", "model", "input_tokens", "output_tokens", "cost_usd", "error_type",
        "ticket_until", "fresh", "waits",
    },
    "migration_history": {"version", "applied_at"},
    "service_modes": {"name", "value", "updated_at"},
}  # fmt: skip
REPLACED = {
    "api_keys": {"id", "key_hash", "client_id", "name"},
    "jobs": {"client_id", "owner", "topic", "keywords", "content", "error", "request_id", "trace_parent", "ticket"},
}
EMPTIED = {
    *("activity", "alerts", "erasures", "idempotency_keys", "identity_peers", "leases"),
    *("llm_calls", "llm_days", "pgqueuer", "pgqueuer_log", "revocations"),
}
QUEUES_OWN = {"pgqueuer_schedules", "pgqueuer_statistics"}
"""Every column is in one of these: a new one has to be decided on before it can leave production."""


@pytest.fixture
def own_database(database_url: str) -> str:
    return database_url.rpartition("/")[2].partition("?")[0]


@pytest.fixture
def query(servers: Servers, own_database: str) -> Callable[[str], list[tuple[object, ...]]]:
    return lambda statement: run_sql(servers, own_database, statement)


def dumped(database_url: str) -> str:
    """Everything in the database as text."""
    variables = environment(SecretStr(database_url), "test")
    command = [str(home() / "bin" / "pg_dump"), "--no-password"]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout


PLANTED = (
    """
    INSERT INTO jobs (id, created_at, client_id, owner, topic, content_type, keywords, priority, status, expires_at,
        content, error, request_id, trace_parent)
    SELECT 'job-' || status, now(), 'CANARY', 'CANARY', 'CANARY ' || status, 'blog', '["CANARY"]', 'cost', status,
        now(), '{"title": "CANARY"}', 'CANARY', 'CANARY', 'CANARY'
    FROM unnest(ARRAY['completed', 'pending']) AS status
    """,
    "INSERT INTO api_keys (id, key_hash, client_id, name, tier) VALUES ('CANARY', '\\x01', 'CANARY', 'CANARY', 'pro')",
    "INSERT INTO erasures VALUES ('CANARY')",
    "INSERT INTO idempotency_keys (owner, key, body_hash, job_id) VALUES ('CANARY', 'CANARY', '\\x01', 'job')",
    """
    INSERT INTO pgqueuer (priority, created, updated, heartbeat, execute_after, status, entrypoint, payload)
    VALUES (1, now(), now(), now(), now(), 'queued', 'ai_generation', convert_to('CANARY', 'UTF8'))
    """,
)
"""Two jobs of one client, one of them open, a key, and the canary in everything that can hold text."""


def plant(query: Callable[[str], list[tuple[object, ...]]]) -> None:
    for statement in PLANTED:
        query(statement.replace("CANARY", CANARY))


@pytest.mark.requirement("S08")
def test_an_anonymised_copy_holds_nothing_of_a_client_and_keeps_what_belongs_together(
    settings: Settings, database_url: str, query: Callable[[str], list[tuple[object, ...]]]
) -> None:
    plant(query)
    assert dumped(database_url).count(CANARY) > 10
    done = asyncio.run(anonymise(settings))
    assert (done.jobs, done.api_keys) == (2, 1)
    text = dumped(database_url)
    assert CANARY not in text
    assert CANARY.encode().hex() not in text
    ((clients, same, topics),) = query(
        "SELECT count(DISTINCT client_id), bool_and(client_id = owner), count(DISTINCT topic) FROM jobs"
    )
    assert (clients, same, topics) == (1, True, 2)
    assert query("SELECT client_id FROM api_keys") == query("SELECT DISTINCT client_id FROM jobs")
    assert query("SELECT key_hash = '\\x01' FROM api_keys") == [(False,)]


@pytest.mark.requirement("S08")
def test_a_copy_does_not_do_productions_work_again(
    settings: Settings, query: Callable[[str], list[tuple[object, ...]]]
) -> None:
    plant(query)
    asyncio.run(anonymise(settings))
    assert query("SELECT count(*) FROM pgqueuer") == [(0,)]
    assert query("SELECT status, finished_at IS NOT NULL FROM jobs WHERE id = 'job-pending'") == [("cancelled", True)]


@pytest.mark.requirement("S08")
def test_a_copy_has_the_whole_days_budget_whatever_production_spent(
    settings: Settings, query: Callable[[str], list[tuple[object, ...]]]
) -> None:
    query("INSERT INTO llm_days SELECT (now() AT TIME ZONE 'UTC')::date, 50")
    query(
        "INSERT INTO llm_calls (text_key, provider, model, kind, reserved_usd, expires_at)"
        " VALUES ('a text', 'openai', 'a model', 'sync', 50, now())"
    )
    asyncio.run(anonymise(settings))
    assert query("SELECT (SELECT count(*) FROM llm_days), (SELECT count(*) FROM llm_calls)") == [(0, 0)]


def test_two_copies_of_the_same_data_cannot_be_held_against_each_other(
    settings: Settings, query: Callable[[str], list[tuple[object, ...]]]
) -> None:
    plant(query)
    names = []
    for _ in range(2):
        query("UPDATE jobs SET client_id = 'the same'")
        asyncio.run(anonymise(settings))
        names += query("SELECT DISTINCT client_id FROM jobs")
    assert len(set(names)) == 2


def test_a_dry_run_counts_and_changes_nothing(
    settings: Settings, database_url: str, query: Callable[[str], list[tuple[object, ...]]]
) -> None:
    plant(query)
    before = dumped(database_url).count(CANARY)
    assert asyncio.run(anonymise(settings, dry_run=True)).jobs == 2
    assert dumped(database_url).count(CANARY) == before


def test_every_column_of_the_database_is_kept_replaced_or_emptied_on_purpose(
    query: Callable[[str], list[tuple[object, ...]]],
) -> None:
    rows = query(
        "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        " AND a.attnum > 0 AND NOT a.attisdropped"
    )
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(str(table), set()).add(str(column))
    undecided = {
        table: columns - KEPT.get(table, set()) - REPLACED.get(table, set())
        for table, columns in found.items()
        if table not in EMPTIED
    }
    assert {table for table, columns in undecided.items() if columns} == QUEUES_OWN


@pytest.mark.requirement("S08")
def test_production_is_never_anonymised(make_settings: Callable[..., Settings]) -> None:
    with pytest.raises(AnonymisingRefused, match="only a copy"):
        asyncio.run(anonymise(make_settings(environment="prod")))


@pytest.mark.requirement("S08")
def test_development_gets_the_same_made_up_data_once_and_the_service_shows_it(
    fleet: Fleet, client: TestClient, query: Callable[[str], list[tuple[object, ...]]]
) -> None:
    for expected in (JOBS, 0):
        done = run_app(fleet, "seed")
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout.splitlines()[-1]) == {"jobs": expected}
    found = query("SELECT status, count(*) FROM jobs GROUP BY 1")
    assert {str(status) for status, _ in found} == {status.value for _, status in STATES}
    assert all(JobStatus(str(status)).final for status, _ in found)
    listed = client.get(f"/jobs?client_id={CLIENTS[0]}").json()["jobs"]
    assert len(listed) == len(TOPICS) * len(STATES)
    completed = next(job for job in listed if job["status"] == "completed")
    assert client.get(f"/status/{completed['job_id']}").json()["status"] == "completed"
    assert query("SELECT count(*) FROM pgqueuer") == [(0,)]


@pytest.mark.requirement("S08")
@pytest.mark.parametrize("place", ["staging", "prod"])
def test_made_up_data_is_refused_where_people_rely_on_it(
    make_settings: Callable[..., Settings], place: str, query: Callable[[str], list[tuple[object, ...]]]
) -> None:
    with pytest.raises(SeedRefused, match=f"ENVIRONMENT is '{place}'"):
        asyncio.run(seed(make_settings(environment=place)))
    assert query("SELECT count(*) FROM jobs") == [(0,)]
