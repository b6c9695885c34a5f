"""The API of recipe-app in this process: what it takes, refuses and shows, and to whom."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Servers, apart, eventually
from recipe_site import ADMIN, SECRET, MakeRecipes, key_of
from shelf import run_sql
from starlette.testclient import TestClient

from app.queue_names import Queue

ASKED = {"ingredients": ["rice", "tomatoes"], "servings": 2}
ADMINISTRATOR = {"Authorization": f"Bearer {ADMIN}"}
ADMINISTRATION = {"admin_token": ADMIN, "allowed_admin_ips": "203.0.113.0/24"}


def made(client: TestClient, headers: dict[str, str] | None = None, **values: object) -> str:
    answer = client.post("/api/recipes", json={**ASKED, **values}, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def ended(client: TestClient, path: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    def done() -> dict[str, Any] | None:
        found = client.get(path, headers=headers).json()
        return found if found["status"] not in ("pending", "in_progress") else None

    return eventually(done)


def test_a_recipe_is_accepted_with_its_address_and_listed_newest_first(recipes_api: TestClient) -> None:
    answer = recipes_api.post("/api/recipes", json={**ASKED, "diet": "vegan", "complexity": "demanding"})
    assert (answer.status_code, answer.headers["retry-after"]) == (202, "1")
    path = answer.headers["location"]
    assert path == answer.json()["url"] == f"/api/recipes/{answer.json()['id']}"
    shown = recipes_api.get(path).json()
    assert (shown["status"], shown["wanted"], shown["servings"]) == ("pending", ["rice", "tomatoes"], 2)
    assert (shown["diet"], shown["complexity"], shown["title"], shown["video"]) == ("vegan", "demanding", None, None)
    second = made(recipes_api)
    assert [one["id"] for one in recipes_api.get("/api/recipes").json()] == [second, shown["id"]]
    older = recipes_api.get("/api/recipes", params={"before": second, "limit": 5}).json()
    assert [one["id"] for one in older] == [shown["id"]]


def test_a_list_that_is_kept_forgets_a_recipe_as_soon_as_it_changes(
    recipes_api: TestClient, make_worker: MakeRecipes
) -> None:
    recipe = made(recipes_api)
    assert recipes_api.get("/api/recipes").json()[0]["status"] == "pending"
    make_worker()
    ended(recipes_api, f"/api/recipes/{recipe}")
    assert recipes_api.get("/api/recipes").json()[0]["status"] == "ready"
    recipes_api.delete(f"/api/recipes/{recipe}")
    assert recipes_api.get("/api/recipes").json() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ingredients": []}, "body.ingredients"),
        ({"ingredients": ["x" * 61]}, "body.ingredients.0"),
        ({"ingredients": ["a\u0000b"]}, "body.ingredients.0"),
        ({"ingredients": ["12"]}, "body.ingredients.0"),
        ({"ingredients": [f"food {letter}" for letter in "abcdefghijklmnopqrstu"]}, "body.ingredients"),
        ({"ingredients": ["egg"], "servings": 0}, "body.servings"),
        ({"ingredients": ["egg"], "servings": 21}, "body.servings"),
        ({"ingredients": ["egg"], "servings": "2"}, "body.servings"),
        ({"ingredients": ["egg"], "diet": "meat"}, "body.diet"),
        ({"ingredients": ["egg"], "prompt": "x"}, "body.prompt"),
    ],
)
def test_a_wrong_request_is_refused_with_its_field(recipes_api: TestClient, body: object, field: str) -> None:
    answer = recipes_api.post("/api/recipes", json=body)
    assert answer.status_code == 422
    assert field in {one["field"] for one in answer.json()["errors"]}


def test_a_body_of_ten_megabytes_is_refused_before_it_is_read(recipes_api: TestClient) -> None:
    answer = recipes_api.post("/api/recipes", content=b'{"ingredients": ["' + b"x" * 10 * 1024 * 1024 + b'"]}')
    assert answer.status_code == 413
    assert answer.json()["detail"] == "The body may have at most 16384 bytes."
    assert recipes_api.get("/api/recipes").json() == []


@pytest.mark.requirement("Z04")
def test_a_full_queue_refuses_with_429_and_stores_nothing(make_recipes: MakeRecipes, make_worker: MakeRecipes) -> None:
    client = make_recipes(queue_limit=2)
    first, _ = made(client), made(client)
    answer = client.post("/api/recipes", json=ASKED)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    assert answer.json()["code"] == "queue_full"
    assert len(client.get("/api/recipes").json()) == 2
    make_worker()
    ended(client, f"/api/recipes/{first}")
    eventually(lambda: client.post("/api/recipes", json=ASKED).status_code == 202)


def test_the_queue_of_videos_has_the_same_limit(
    make_recipes: MakeRecipes, make_worker: MakeRecipes, video_bucket: str
) -> None:
    client = make_recipes(queue_limit=1, video_bucket=video_bucket)
    make_worker()
    ready = []
    for _ in range(2):
        ready.append(made(client))
        ended(client, f"/api/recipes/{ready[-1]}")
    assert client.post(f"/api/recipes/{ready[0]}/video").status_code == 202
    assert client.post(f"/api/recipes/{ready[0]}/video").json()["status"] == "pending"
    answer = client.post(f"/api/recipes/{ready[1]}/video")
    assert (answer.status_code, answer.json()["code"]) == (429, "queue_full")
    assert client.get(f"/api/recipes/{ready[1]}/video").status_code == 404


def test_a_video_needs_a_recipe_that_is_ready_and_a_bucket(make_recipes: MakeRecipes, video_bucket: str) -> None:
    client = make_recipes(video_bucket=video_bucket)
    recipe = made(client)
    answer = client.post(f"/api/recipes/{recipe}/video")
    assert (answer.status_code, answer.json()["code"]) == (409, "recipe_not_ready")
    without = make_recipes()
    answer = without.post(f"/api/recipes/{recipe}/video")
    assert (answer.status_code, answer.json()["detail"]) == (503, "Videos are not set up here (VIDEO_BUCKET).")


@pytest.mark.parametrize("change", [lambda text: text[:-2], lambda _: "x.y.z", lambda text: text.replace(".", "", 1)])
def test_a_videos_address_that_is_not_signed_by_us_is_no_address(
    make_recipes: MakeRecipes, video_bucket: str, change: Any
) -> None:
    from app.ids import JobId
    from app.video.tickets import ticket_of

    client = make_recipes(video_bucket=video_bucket, session_secret=SECRET)
    ticket = ticket_of(JobId.new("use1"), "videos/a/1.mp4", (SECRET,), 60)
    assert ticket is not None
    assert client.get("/api/videos/" + change(ticket)).status_code == 404
    expired = ticket_of(JobId.new("use1"), "videos/a/1.mp4", (SECRET,), -1)
    assert client.get(f"/api/videos/{expired}").status_code == 404


@pytest.mark.requirement("E03")
def test_a_client_sees_and_changes_its_own_recipes_alone(
    make_recipes: MakeRecipes, servers: Servers, recipe_url: str, video_bucket: str
) -> None:
    client = make_recipes(api_key_required=True, video_bucket=video_bucket)
    assert client.post("/api/recipes", json=ASKED).status_code == 401
    acme, other = key_of(client, "acme"), key_of(client, "other")
    recipe = made(client, acme)
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/video"), ("GET", "/video")):
        assert client.request(method, f"/api/recipes/{recipe}{path}", headers=other).status_code == 404, method
    assert client.get("/api/recipes", headers=other).json() == []
    assert client.get(f"/api/recipes/{recipe}", headers=acme).status_code == 200
    database = recipe_url.rpartition("/")[2].partition("?")[0]
    assert run_sql(servers, database, "SELECT client_id FROM users") == [("acme",)]
    assert client.delete(f"/api/recipes/{recipe}", headers=acme).status_code == 204


@pytest.mark.requirement("E03")
@pytest.mark.parametrize("table", ["recipes", "videos"])
def test_the_database_itself_hides_rows_of_other_clients(servers: Servers, recipe_url: str, table: str) -> None:
    import asyncpg

    async def counted(owner: str) -> int:
        connection = await asyncpg.connect(recipe_url)
        try:
            await connection.execute("INSERT INTO users VALUES ('acme')")
            await connection.execute(
                "INSERT INTO recipes (id, created_at, owner, wanted, servings, complexity, expires_at)"
                " VALUES ('r', now(), 'acme', '[]', 1, 'simple', now())"
            )
            await connection.execute("INSERT INTO videos (id, owner, expires_at) VALUES ('r', 'acme', now())")
            async with connection.transaction():
                await connection.execute("SELECT set_config('role', 'contentgen_client', true)")
                await connection.execute("SELECT set_config('contentgen.owner', $1, true)", owner)
                seen = int(await connection.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608
            await connection.execute("DELETE FROM users")
            return seen
        finally:
            await connection.close()

    assert apart(counted("acme")) == 1
    assert apart(counted("other")) == 0


def test_a_session_is_kept_until_it_has_expired(make_recipes: MakeRecipes, servers: Servers, recipe_url: str) -> None:
    client = make_recipes(api_key_required=True, session_secret=SECRET)
    answer = client.post("/api/sessions", headers=key_of(client, "acme"))
    assert answer.status_code == 201
    bearer = {"Authorization": f"Bearer {answer.json()['token']}"}
    assert client.get("/api/recipes", headers=bearer).status_code == 200
    database = recipe_url.rpartition("/")[2].partition("?")[0]
    rows = run_sql(servers, database, "SELECT client_id, expires_at > now() + interval '59 minutes' FROM sessions")
    assert rows == [("acme", True)]
    assert client.delete("/api/sessions", headers=bearer).status_code == 204
    assert client.get("/api/recipes", headers=bearer).status_code == 401


@pytest.mark.requirement("D02")
def test_the_administrator_sees_scales_and_clears_each_queue(
    make_recipes: MakeRecipes, make_worker: MakeRecipes
) -> None:
    client = make_recipes(**ADMINISTRATION)
    made(client)
    stats = client.get("/api/admin/queue/stats", headers=ADMINISTRATOR).json()
    assert stats["ai_generation"]["pending"] == 1
    assert set(stats) == {"ai_generation", "video_generation"}
    for queue, workers in (("ai_generation", 10), ("video_generation", 3)):
        answer = client.post("/api/admin/queue/scale", headers=ADMINISTRATOR, json={"queue": queue, "workers": workers})
        assert answer.json() == {"queue": queue, "workers": workers}
    stats = client.get("/api/admin/queue/stats", headers=ADMINISTRATOR).json()
    assert (stats["ai_generation"]["workers"], stats["video_generation"]["workers"]) == (10, 3)
    wrong = client.post("/api/admin/queue/scale", headers=ADMINISTRATOR, json={"queue": "none", "workers": 1})
    assert wrong.status_code == 422
    make_worker()
    beef = made(client, ingredients=["beef"], diet="vegan")
    assert ended(client, f"/api/recipes/{beef}")["status"] == "failed"
    stats = client.get("/api/admin/queue/stats", headers=ADMINISTRATOR).json()
    assert stats["ai_generation"]["failed"] == 1
    cleared = client.post("/api/admin/queue/clear-failed", headers=ADMINISTRATOR)
    assert cleared.json() == {"cleared": {"ai_generation": 1, "video_generation": 0}}
    assert client.get(f"/api/recipes/{beef}").status_code == 404
    assert len(client.get("/api/recipes").json()) == 1


@pytest.mark.requirement("D02")
def test_a_limit_of_workers_is_of_its_own_queue_alone(make_recipes: MakeRecipes) -> None:
    client = make_recipes(**ADMINISTRATION)
    client.post("/api/admin/queue/scale", headers=ADMINISTRATOR, json={"queue": "video_generation", "workers": 4})
    board = client.app.state.services.switchboard  # type: ignore[attr-defined]
    assert (board.now.workers_of(Queue.VIDEOS), board.now.workers_of(Queue.TEXTS)) == (4, 0)


@pytest.mark.requirement("D02")
def test_administration_wants_the_token_from_a_listed_address(make_recipes: MakeRecipes) -> None:
    listed = make_recipes(**ADMINISTRATION)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {ADMIN}"}, {"X-API-Key": ADMIN}):
        assert listed.get("/api/admin/queue/stats", headers=headers).status_code == 401
    elsewhere = make_recipes("198.51.100.1", **ADMINISTRATION)
    assert elsewhere.get("/api/admin/queue/stats", headers=ADMINISTRATOR).status_code == 403
    nobody = make_recipes(admin_token=ADMIN)
    assert nobody.get("/api/admin/queue/stats", headers=ADMINISTRATOR).status_code == 403
    without = make_recipes(allowed_admin_ips="203.0.113.0/24")
    assert without.get("/api/admin/queue/stats", headers={"Authorization": "Bearer "}).status_code == 401


def test_administration_goes_on_in_maintenance_and_recipes_do_not(make_recipes: MakeRecipes) -> None:
    from app.switches import Mode

    client = make_recipes(**ADMINISTRATION)
    services = client.app.state.services  # type: ignore[attr-defined]
    assert client.portal is not None
    client.portal.call(services.switchboard.set_mode, Mode.MAINTENANCE)
    assert client.get("/api/admin/queue/stats", headers=ADMINISTRATOR).status_code == 200
    assert client.get("/api/recipes").status_code == 503


def test_health_is_as_of_every_product(recipes_api: TestClient) -> None:
    assert recipes_api.get("/ready").json() == {"status": "ready", "degraded": []}
    assert recipes_api.get("/api/ready").json() == {"ready": True}
    eventually(lambda: 'queue_waiting_jobs{queue="ai_generation"} 0.0' in recipes_api.get("/metrics").text)
    assert 'queue_waiting_jobs{queue="video_generation"} 0.0' in recipes_api.get("/metrics").text
