"""Accepting, listing, cancelling and exporting jobs over HTTP."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from app.database import DatabaseUnavailable, OutcomeUnknown

BODY = {"topic": "Learning the piano at forty", "content_type": "blog", "client_id": "acme", "keywords": ["practice"]}


@pytest.fixture(params=["direct", "pooler"])
def way(request: pytest.FixtureRequest) -> str:
    """The database directly, and through a transaction pooler (P02, E09)."""
    return str(request.param)


def generate(client: TestClient, key: str | None = None, **changes: object) -> "tuple[int, dict[str, str]]":
    headers = {"Idempotency-Key": key} if key else {}
    reply = client.post("/generate", json={**BODY, **changes}, headers=headers)
    return reply.status_code, reply.json()


def test_the_same_key_and_body_give_the_same_job(client: TestClient) -> None:
    first, second = generate(client, "k-1"), generate(client, "k-1")
    assert first[0] == second[0] == 202
    assert first[1]["job_id"] == second[1]["job_id"]
    assert len(client.get("/jobs?client_id=acme").json()["jobs"]) == 1


def test_the_same_key_with_another_body_is_refused(client: TestClient) -> None:
    assert generate(client, "k-1")[0] == 202
    assert generate(client, "k-1", topic="Something else")[0] == 422
    assert generate(client, "k-1", client_id="rival")[0] == 202, "keys of different clients never meet"


def test_the_same_key_at_the_same_time_makes_one_job(make_client: Callable[..., TestClient]) -> None:
    clients = [make_client(rate_limit_enabled=False), make_client(rate_limit_enabled=False)]
    barrier = threading.Barrier(8)

    def send(number: int) -> int:
        barrier.wait()
        return generate(clients[number % 2], "k-1")[0]

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(send, range(8)))
    assert set(codes) <= {202, 409} and 202 in codes
    assert len(clients[0].get("/jobs?client_id=acme").json()["jobs"]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"topic": ""},
        {"topic": "x" * 301},
        {"topic": "bell\u0007 and tab\t"},
        {"content_type": "poem"},
        {"priority": "urgent"},
        {"client_id": "has space"},
        {"keywords": ["k"] * 13},
        {"keywords": "not a list"},
        {"unknown": 1},
    ],
)
@pytest.mark.requirement("E02")
def test_a_wrong_body_is_refused_and_the_field_named(client: TestClient, change: dict[str, object]) -> None:
    reply = client.post("/generate", json={**BODY, **change})
    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"
    assert f"body.{next(iter(change))}" in reply.json()["errors"][0]["field"]


@pytest.mark.requirement("A04")
def test_priority_is_optional_and_balanced(client: TestClient) -> None:
    _, accepted = generate(client)
    job = client.get(accepted["status_url"]).json()
    assert (job["priority"], job["status"], job["attempt"]) == ("balanced", "pending", 0)


@pytest.mark.parametrize("name", ["nonsense", "use1-", "use1-00000000-0000-4000-8000-000000000000", "x" * 200])
def test_an_unknown_job_is_not_found(client: TestClient, name: str) -> None:
    reply = client.get(f"/status/{name}")
    assert reply.status_code in (404, 422)


def test_a_pending_job_is_cancelled_once_and_then_deleted_once(client: TestClient) -> None:
    _, accepted = generate(client)
    cancel, delete = f"/cancel/{accepted['job_id']}", f"/jobs/{accepted['job_id']}"
    waiting = client.delete(delete)
    assert waiting.status_code == 409 and waiting.json()["code"] == "job_not_ended"
    assert client.post(cancel).json()["status"] == "cancelled"
    again = client.post(cancel)
    assert again.status_code == 409 and "cancelled" in again.json()["detail"]
    assert client.get("/jobs?client_id=acme").json()["jobs"][0]["status"] == "cancelled"
    assert client.delete(delete).status_code == 204
    assert client.delete(delete).status_code == client.post(cancel).status_code == 404
    assert client.get(accepted["status_url"]).status_code == 404
    assert client.get("/jobs?client_id=acme").json()["jobs"] == []


@pytest.mark.requirement("B03")
def test_the_list_is_paged_newest_first_and_shows_new_jobs_at_once(client: TestClient) -> None:
    made = [generate(client, topic=f"Topic number {number}")[1]["job_id"] for number in range(5)]
    first = client.get("/jobs?client_id=acme&limit=2").json()
    assert [job["job_id"] for job in first["jobs"]] == [made[4], made[3]]
    second = client.get(f"/jobs?client_id=acme&limit=2&before={first['next']}").json()
    third = client.get(f"/jobs?client_id=acme&limit=2&before={second['next']}").json()
    assert [job["job_id"] for job in second["jobs"] + third["jobs"]] == [made[2], made[1], made[0]]
    assert third["next"] is None
    assert client.get("/jobs?client_id=acme&before=zzz").status_code == 422
    assert client.get("/jobs").status_code == 422


def test_a_body_over_the_limit_is_refused_whether_it_says_so_or_not(make_client: Callable[..., TestClient]) -> None:
    client = make_client(max_body_bytes=2048)
    headers = {"Content-Type": "application/json"}
    assert client.post("/generate", content=b"x" * 3000, headers=headers).status_code == 413

    def chunks() -> "list[bytes]":
        return [b"x" * 1000] * 3

    assert client.post("/generate", content=iter(chunks()), headers=headers).status_code == 413


def test_a_lost_answer_to_commit_is_not_called_nothing_stored(
    make_client: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client()
    intake = client.app.state.services.intake

    def fails(error: Exception) -> None:
        async def accept(_: object) -> None:
            raise error

        monkeypatch.setattr(intake, "accept", accept)

    fails(OutcomeUnknown("the answer to COMMIT was lost"))
    unknown = client.post("/generate", json=BODY)
    assert (unknown.status_code, unknown.json()["code"]) == (503, "outcome_unknown")
    assert "same Idempotency-Key" in unknown.json()["detail"] and "nothing was stored" not in unknown.text
    fails(DatabaseUnavailable("away"))
    away = client.post("/generate", json=BODY)
    assert (away.status_code, away.json()["code"]) == (503, "database_unavailable")
    assert "nothing was stored" in away.json()["detail"]


def test_more_than_may_wait_for_a_commit_are_refused(make_client: Callable[..., TestClient]) -> None:
    client = make_client()
    batcher = client.app.state.services.intake._batcher
    assert (batcher._most, batcher._patience) == (2000, 15.0)
    batcher._most = 0
    refused = client.post("/generate", json=BODY)
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert refused.headers["Retry-After"] == "2"
