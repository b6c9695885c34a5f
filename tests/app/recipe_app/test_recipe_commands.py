"""Migrations, settings and commands of recipe-app, as its pods and jobs run them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from conftest import Fleet, Servers, run_app
from recipe_site import SECRET, MakeRecipes
from shelf import run_sql, shelf_in
from sqlalchemy import inspect
from test_openapi import CHECKS
from test_recipe_api import made

from app.database import engine
from app.migrate import migrate
from app.process_settings import ConfigurationError, load
from app.recipe_app.history import HISTORY
from app.recipe_app.settings import RecipeSettings, RecipeTaskSettings
from app.recipe_app.tables import metadata
from app.schema import latest

URL = "postgresql://recipe_user:secret@primary:5432/recipe_db"


def settings_for(url: str) -> RecipeTaskSettings:
    return RecipeTaskSettings(database_url_direct=url)  # type: ignore[call-arg]


def name_of(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0]


def test_two_migrations_at_once_and_a_third_leave_one_schema_with_its_queue(servers: Servers, recipe_url: str) -> None:
    name = f"{name_of(recipe_url)}_empty"
    run_sql(servers, "postgres", f"CREATE DATABASE {name} TEMPLATE template0")
    url = servers.database_url(name)

    async def both() -> None:
        await asyncio.gather(*(migrate(settings_for(url), history=HISTORY) for _ in range(2)))

    asyncio.run(both())
    assert asyncio.run(migrate(settings_for(url), history=HISTORY)).version == "0002"
    assert latest(HISTORY.package) == HISTORY.head() == "0002"
    found = {row[0] for row in run_sql(servers, name, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert {"users", "recipes", "videos", "sessions", "llm_calls", "pgqueuer", "api_keys"} <= found
    assert "jobs" not in found


def test_the_code_sees_the_tables_of_recipes_as_the_migrations_make_them(recipe_url: str) -> None:
    async def compared() -> list[str]:
        there = engine(settings_for(recipe_url), settings_for(recipe_url).database_url_direct)
        wrong = []
        async with there.connect() as connection:
            for table in metadata.sorted_tables:
                columns = await connection.run_sync(lambda sync, name=table.name: inspect(sync).get_columns(name))
                found = {column["name"]: column["nullable"] for column in columns}
                if found != {column.name: column.nullable for column in table.columns}:
                    wrong.append(f"{table.name}: {found}")
        await there.dispose()
        return wrong

    assert asyncio.run(compared()) == []


def test_the_database_of_another_product_is_not_migrated(recipe_fleet: Fleet, database_url: str) -> None:
    done = run_app(recipe_fleet, "migrate", DATABASE_URL_DIRECT=database_url, DATABASE_URL=database_url)
    assert done.returncode == 1
    assert "has no table 'recipes', so it is not recipe-app's" in done.stdout


@pytest.mark.requirement("E09")
@pytest.mark.requirement("Z04")
def test_the_documents_secret_and_config_map_are_read_by_their_own_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for key, value in {"database-url": URL, "jwt-secret": SECRET, "openai-api-key": "sk-1"}.items():
        (tmp_path / key).write_text(value)
    for name in ("DATABASE_URL", "DATABASE_URL_DIRECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    found = load(RecipeSettings)
    assert found.database_url.get_secret_value() == found.database_url_direct.get_secret_value() == URL
    assert found.session_secrets == (SECRET,)
    assert found.openai_api_key is not None and found.openai_api_key.get_secret_value() == "sk-1"
    assert (found.database_pool_size, found.database_max_overflow) == (20, 0)
    for limit in (40, 30):
        monkeypatch.setenv("DB_CONNECTION_LIMIT", str(limit))
        assert load(RecipeSettings).database_pool_size == limit
    monkeypatch.setenv("DB_CONNECTION_LIMIT", "many")
    with pytest.raises(ConfigurationError, match="DB_CONNECTION_LIMIT: Input should be a valid integer"):
        load(RecipeSettings)


@pytest.mark.requirement("E09")
def test_a_process_opens_as_many_connections_as_db_connection_limit_says(make_recipes: MakeRecipes) -> None:
    client = make_recipes(database_pool_size=3)
    pool = client.app.state.services.database.writer.pool  # type: ignore[attr-defined]
    assert pool.size() + pool._max_overflow == 3


@pytest.mark.parametrize(
    ("command", "variables", "problem"),
    [
        (("worker", "--queue", "video_generation"), {}, "VIDEO_BUCKET: not set"),
        (
            ("worker", "--queue", "video_generation"),
            {"PRODUCT": "content-generation"},
            "--queue: content-generation has no queue 'video_generation'",
        ),
    ],
)
def test_a_worker_that_cannot_work_does_not_start(
    recipe_fleet: Fleet, command: tuple[str, ...], variables: dict[str, str], problem: str
) -> None:
    done = run_app(recipe_fleet, *command, **variables)
    assert done.returncode == 2
    assert problem in done.stderr


@pytest.mark.requirement("Z04")
def test_a_backup_is_restored_with_its_users_and_the_rights_of_clients(
    recipe_fleet: Fleet, servers: Servers, recipe_url: str, make_recipes: MakeRecipes, aws: str
) -> None:
    shelf = shelf_in(recipe_fleet, servers, aws)
    client = make_recipes()
    recipe = made(client)
    manifest = shelf.backup()
    assert (manifest["tables"]["users"], manifest["tables"]["recipes"]) == (1, 1)
    client.delete(f"/api/recipes/{recipe}")
    status, output = shelf.restore(name_of(recipe_url), "--force")
    assert status == 0, output
    assert run_sql(servers, name_of(recipe_url), "SELECT count(*) FROM users") == [(1,)]
    assert make_recipes().get(f"/api/recipes/{recipe}").status_code == 200


def test_generated_requests_find_no_server_error_and_no_breach_of_the_document_of_recipes(film_fleet: Fleet) -> None:
    with film_fleet.process("recipes", "serve", "--role", "recipes") as (process, api):
        options = ["--checks", CHECKS, "-n", "6", "--seed", "1", "--phases", "examples,fuzzing", "--no-color"]
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{api}/openapi.json", *options]
        folder = film_fleet.folder
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=folder)
        assert done.returncode == 0, done.stdout[-9000:] + done.stderr[-2000:]
        document = httpx.get(f"{api}/openapi.json").json()
        process.terminate()
        assert process.wait(timeout=20) == 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), f"{method} {path} has no description"
    assert "postgres-password" not in film_fleet.log("recipes").read_text()


def test_each_process_imports_no_more_than_it_runs() -> None:
    heavy = "{'alembic', 'openai', 'PIL', 'imageio_ffmpeg', 'app.consumer', 'app.intake', 'app.jobs'}"
    code = f"import sys, app.cli, app.server, app.recipe_app.application;print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
    code = f"import sys, app.recipe_app.video_worker;print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.dumps(done.stdout.split()) == json.dumps(["PIL", "app.consumer", "imageio_ffmpeg"])
