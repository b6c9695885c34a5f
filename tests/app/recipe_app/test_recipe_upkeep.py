"""The care of recipe-app by its three schedules: each line of the document does what it says (K17)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from conftest import Fleet, Servers, apart, run_app
from shelf import Shelf, run_sql, shelf_in

from app.bucket import Bucket
from app.chores import Done, Schedule, run_chores
from app.ids import JobId
from app.recipe_app.reports import month_before, week_before
from app.recipe_app.settings import RecipeSettings
from app.recipe_app.upkeep import chores

MakeSettings = Callable[..., RecipeSettings]
DAY = timedelta(days=1)
SCHEDULES = {
    "daily": [
        *("logs", "analyze", "sessions", "revocations", "cost analytics", "temporary files"),
        *("archive texts", "expired videos"),
    ],
    "weekly": [
        *("weekly report", "indexes", "old analytics", "old queue statistics", "old system metrics", "system metrics"),
        *("revoked keys", "security audit", "keys older than a quarter", "vacuum", "backup of critical data"),
    ],
    "monthly": [
        *("monthly report", "archive records", "archive ledger", "subscription metrics", "reindex", "cost review"),
        "configuration",
    ],
}


def name_of(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0]


class Site:
    """A shelf, the database and the bucket of videos of one test."""

    def __init__(self, shelf: Shelf, servers: Servers, url: str, videos: str, make: MakeSettings) -> None:
        self.shelf, self.videos = shelf, videos
        self._servers, self._database = servers, name_of(url)
        self._make = make

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return run_sql(self._servers, self._database, statement, *values)

    def settings(self, **values: object) -> RecipeSettings:
        own = {
            "backup_bucket": self.shelf.bucket,
            "video_bucket": self.videos,
            "pg_bin": self.shelf.variables["PG_BIN"],
        }
        return self._make(**{**own, **values})

    def care(self, schedule: str, *, dry_run: bool = False, **values: object) -> dict[str, Done]:
        settings = self.settings(**values)

        async def run() -> dict[str, Done]:
            due = chores(settings)[Schedule(schedule)]
            return {done.task: done async for done in run_chores(settings, due, dry_run=dry_run)}

        return apart(run())

    def recipe(self, age: timedelta, status: str = "ready", *, made: datetime | None = None) -> str:
        moment = made or datetime.now(UTC) - age
        recipe = str(JobId.new("use1", moment))
        self.sql("INSERT INTO users (client_id) VALUES ('acme') ON CONFLICT DO NOTHING")
        text = None if status in ("archived", "pending") else '{"title": "Rice"}'
        self.sql(
            "INSERT INTO recipes (id, created_at, expires_at, owner, wanted, servings, complexity, status, recipe,"
            " provider, cached) VALUES ($1, $2, now(), 'acme', '[\"Rice\"]', 2, 'simple', $3, $4, 'embedded', true)",
            *(recipe, moment, status, text),
        )
        return recipe

    def video(self, recipe: str, key: str, age: timedelta = timedelta()) -> None:
        self.shelf.store.put_object(Bucket=self.videos, Key=key, Body=b"film")
        self.sql(
            "INSERT INTO videos (id, owner, status, key, expires_at, finished_at)"
            " VALUES ($1, 'acme', 'ready', $2, now(), now() - $3::interval)",
            *(recipe, key, age),
        )

    def call(self, day: date, dollars: int) -> None:
        self.sql(
            "INSERT INTO llm_calls (text_key, provider, model, kind, reserved_usd, cost_usd, input_tokens,"
            " output_tokens, outcome, settled_at, expires_at, day)"
            " VALUES ('t', 'openai', 'gpt-5', 'sync', 1, $2, 10, 20, 'written', now(), now(), $1)",
            *(day, dollars),
        )

    def keys(self, prefix: str, bucket: str | None = None) -> list[str]:
        found = self.shelf.store.list_objects_v2(Bucket=bucket or self.shelf.bucket, Prefix=prefix)
        return [entry["Key"] for entry in found.get("Contents", ())]

    def archived(self, kind: str) -> list[dict[str, Any]]:
        rows = []
        for key in self.keys(f"archive/{kind}/"):
            body = self.shelf.store.get_object(Bucket=self.shelf.bucket, Key=key)["Body"].read()
            rows += [json.loads(line) for line in gzip.decompress(body).decode().splitlines()]
        return rows


@pytest.fixture
def site(
    film_fleet: Fleet, servers: Servers, recipe_url: str, aws: str, video_bucket: str, recipe_settings: MakeSettings
) -> Site:
    return Site(shelf_in(film_fleet, servers, aws), servers, recipe_url, video_bucket, recipe_settings)


@pytest.mark.requirement("K17")
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_command_does_the_documents_lines_of_each_schedule(site: Site, schedule: str) -> None:
    done = run_app(site.shelf.fleet, "maintenance", schedule, **site.shelf.variables)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["task"] for line in lines] == SCHEDULES[schedule]
    assert [line["error"] for line in lines] == [""] * len(lines)


@pytest.mark.requirement("K17")
def test_daily_deletes_old_logs_and_expired_sessions_and_keeps_the_others(site: Site) -> None:
    for days in (31, 29):
        site.sql(
            "INSERT INTO pgqueuer_log (created, job_id, status, priority, entrypoint)"
            " VALUES (now() - $1 * interval '1 day', $1, 'successful', 0, 'ai_generation')",
            days,
        )
        site.sql(
            "INSERT INTO sessions (id, client_id, key_id, expires_at)"
            " VALUES ($1::int::text, 'acme', 'k', now() + (30 - $1::int) * interval '1 hour')",
            days,
        )
    site.care("daily")
    assert site.sql("SELECT job_id FROM pgqueuer_log") == [(29,)]
    assert site.sql("SELECT id FROM sessions") == [("29",)]


@pytest.mark.requirement("K17")
def test_daily_writes_the_cost_analytics_of_the_day_once(site: Site) -> None:
    site.recipe(timedelta())
    site.call(datetime.now(UTC).date(), 1)
    for _ in range(2):
        site.care("daily")
    columns = "calls, tokens, cost_usd::float8, recipes, from_cache, users"
    assert site.sql(f"SELECT {columns} FROM cost_days WHERE calls > 0") == [(1, 30, 1.0, 1, 1, 1)]  # noqa: S608
    assert site.sql("SELECT count(*) FROM cost_days") == [(3,)]


@pytest.mark.requirement("K17")
def test_daily_deletes_videos_that_no_row_names_once_they_are_a_day_old(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.video(site.recipe(timedelta()), "videos/a/1.mp4")
    for key in ("videos/a/2.mp4", "other/b.mp4"):
        site.shelf.store.put_object(Bucket=site.videos, Key=key, Body=b"x")
    assert site.care("daily")["temporary files"].changed == 0
    assert len(site.keys("", site.videos)) == 3
    monkeypatch.setattr("app.video.orphans.ORPHAN_AGE", -DAY)
    assert site.care("daily")["temporary files"].changed == 1
    assert site.keys("", site.videos) == ["other/b.mp4", "videos/a/1.mp4"]


@pytest.mark.requirement("K17")
def test_daily_archives_texts_of_half_a_year_ago_before_they_are_dropped(site: Site) -> None:
    old, young, waiting = site.recipe(190 * DAY), site.recipe(170 * DAY), site.recipe(190 * DAY, "pending")
    assert site.care("daily", dry_run=True)["archive texts"].changed == 1
    assert site.archived("recipes") == []
    done = site.care("daily")
    assert done["archive texts"].changed == 1
    (row,) = site.archived("recipes")
    assert (row["id"], row["recipe"], row["owner"]) == (old, {"title": "Rice"}, "acme")
    states = dict(site.sql("SELECT id, status FROM recipes"))
    assert states == {old: "archived", young: "ready", waiting: "pending"}
    assert site.sql("SELECT recipe FROM recipes WHERE status = 'archived'") == [(None,)]
    assert site.sql("SELECT kind, rows FROM archives") == [("recipes", 1)]


@pytest.mark.requirement("K17")
@pytest.mark.requirement("W04")
def test_daily_forgets_videos_that_their_bucket_deleted_after_seven_days(site: Site) -> None:
    """Whatever the age of the recipe: an object that is gone can neither be shown nor archived."""
    young, old = site.recipe(190 * DAY), site.recipe(timedelta())
    site.video(young, "videos/young/1.mp4", 6 * DAY)
    site.video(old, "videos/old/1.mp4", 8 * DAY)
    site.shelf.store.delete_object(Bucket=site.videos, Key="videos/old/1.mp4")
    done = site.care("daily")
    assert [(name, one.error) for name, one in done.items() if one.error] == []
    assert done["expired videos"].changed == 1
    assert site.sql("SELECT id FROM videos") == [(young,)]


@pytest.mark.requirement("K17")
def test_nothing_is_dropped_when_the_archive_cannot_be_written(site: Site) -> None:
    site.recipe(190 * DAY)
    done = site.care("daily", archive_bucket="no-such-bucket")
    assert "s3://no-such-bucket: NoSuchBucket" in done["archive texts"].error
    assert site.sql("SELECT status FROM recipes") == [("ready",)]
    none = site.care("daily", backup_bucket=None)["archive texts"]
    assert none.error.endswith("name the bucket of the archive")


@pytest.mark.requirement("K17")
def test_nothing_is_dropped_when_the_archive_gives_back_something_else(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.recipe(190 * DAY)
    for body, reason in ((b"no gzip", "cannot be read back: BadGzipFile"), (gzip.compress(b"other"), "has SHA-256")):
        monkeypatch.setattr(Bucket, "get", lambda _, __, body=body: body)
        error = site.care("daily")["archive texts"].error
        assert reason in error and error.endswith("nothing was dropped")
    assert site.sql("SELECT status, recipe IS NULL FROM recipes") == [("ready", False)]


@pytest.mark.requirement("K17")
def test_monthly_archives_records_of_a_year_ago_before_they_are_deleted(site: Site) -> None:
    old, young = site.recipe(366 * DAY, "archived"), site.recipe(300 * DAY)
    assert site.care("monthly")["archive records"].changed == 1
    assert [row["id"] for row in site.archived("records")] == [old]
    assert site.sql("SELECT id FROM recipes") == [(young,)]


@pytest.mark.requirement("K17")
@pytest.mark.parametrize(("schedule", "period"), [("weekly", week_before), ("monthly", month_before)])
def test_the_reports_count_what_happened_in_the_last_whole_period(
    site: Site, schedule: str, period: Callable[[date], tuple[date, date]]
) -> None:
    first, after = period(datetime.now(UTC).date())
    for day in (first - DAY, first, after):
        site.recipe(DAY, made=datetime.combine(day, time(12), UTC))
    site.care(schedule)
    ((found_first, body),) = site.sql("SELECT first_day, body FROM reports WHERE kind = $1", schedule)
    found = json.loads(body)
    assert found_first == first
    assert (found["recipes"], found["ready"], found["active_users"], found["ingredients"]) == (1, 1, 1, {"rice": 1})


@pytest.mark.requirement("K17")
def test_periods_are_whole_weeks_from_monday_and_whole_months() -> None:
    assert week_before(date(2026, 11, 29)) == (date(2026, 11, 16), date(2026, 11, 23))
    assert week_before(date(2026, 11, 30)) == (date(2026, 11, 23), date(2026, 11, 30))
    assert month_before(date(2026, 1, 1)) == (date(2025, 12, 1), date(2026, 1, 1))
    assert month_before(date(2024, 3, 31)) == (date(2024, 2, 1), date(2024, 3, 1))


@pytest.mark.requirement("K17")
def test_weekly_measures_the_system_audits_security_forgets_old_analytics_and_makes_a_backup(site: Site) -> None:
    site.sql(
        "INSERT INTO api_keys (id, key_hash, client_id, name, tier, created_at)"
        " VALUES ('old', '', 'acme', '', 'free', now() - interval '91 days')"
    )
    site.sql("ALTER TABLE videos DISABLE ROW LEVEL SECURITY")
    site.sql("GRANT SELECT ON users TO PUBLIC")
    site.sql("INSERT INTO cost_days SELECT now() - interval '26 months', 0, 0, 0, 0, 0, 0, 0")
    done = site.care("weekly")
    assert done["security audit"].detail.split("; ") == [
        "table videos: clients' rows are not guarded by row-level security",
        "key old of acme: older than a quarter",
        "table users: every login may read or change it",
    ]
    names = {name for (name,) in site.sql("SELECT name FROM system_metrics")}
    assert {"database_bytes", "connections", "rows recipes", "rows videos"} <= names
    assert site.sql("SELECT count(*) FROM cost_days") == [(0,)]
    assert done["backup of critical data"].detail in site.keys("db/")


@pytest.mark.requirement("K17")
def test_weekly_builds_an_index_anew_that_was_left_invalid(site: Site) -> None:
    site.sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'recipes_owner'::regclass")
    assert site.care("weekly")["indexes"].detail == "recipes_owner"
    assert site.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'recipes_owner'::regclass") == [(True,)]


@pytest.mark.requirement("K17")
def test_monthly_counts_subscriptions_reviews_costs_and_takes_back_forgotten_limits(site: Site) -> None:
    first, _ = month_before(datetime.now(UTC).date())
    site.sql(
        "INSERT INTO api_keys (id, key_hash, client_id, name, tier, created_at)"
        " VALUES ('a', '', 'acme', '', 'pro', $1::date::timestamp AT TIME ZONE 'UTC')",
        first,
    )
    site.call(first, 3)
    site.call(month_before(first)[0], 1)
    site.sql(
        "INSERT INTO service_modes VALUES ('queue_workers:video_generation', '3', now() - interval '31 days'),"
        " ('queue_workers', '8', now())"
    )
    site.care("monthly")
    assert site.sql("SELECT tier, clients, begun, ended FROM subscription_metrics") == [("pro", 1, 1, 0)]
    ((review,),) = site.sql("SELECT body FROM reports WHERE kind = 'cost_review'")
    found = json.loads(review)
    assert (found["now_usd"], found["before_usd"]) == (3.0, 1.0)
    assert found["rose"] == ["gpt-5: 3.00 USD after 1.00"]
    assert site.sql("SELECT name FROM service_modes") == [("queue_workers",)]
    (key,) = site.keys("config/")
    kept = site.shelf.store.get_object(Bucket=site.shelf.bucket, Key=key)["Body"].read()
    assert json.loads(kept)["switches"] == {"queue_workers": "8"}
    assert b"postgres-password" not in kept


@pytest.mark.requirement("K17")
def test_monthly_builds_every_index_anew_beside_the_one_in_use(site: Site) -> None:
    """An index that is built concurrently is another one afterwards; one that is built in its place is not."""
    number = "SELECT 'recipes_owner'::regclass::oid::int, 'recipes_pkey'::regclass::oid::int"
    (before,), _ = site.sql(number), site.care("monthly")
    ((owner, key),) = site.sql(number)
    assert owner != before[0] and key != before[1]
