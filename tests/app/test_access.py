"""API keys, sessions, limits, addresses, webhooks and administration over HTTP."""

import asyncio
import json
import time
from collections.abc import Callable

import asyncpg
import httpx
import jwt
import pytest
from conftest import Servers
from starlette.testclient import TestClient
from stripe import WebhookSignature

from app.access.tiers import TIERS, Tier

BODY = {"topic": "Growing tomatoes on a balcony", "content_type": "social", "client_id": "acme"}
TOKEN = "an-administrators-token"
SECRET = "a-secret-of-at-least-thirty-two-letters"
ADMIN = {"allowed_admin_ips": "203.0.113.0/24", "admin_token": TOKEN}
AS_ADMIN = {"X-Admin-Token": TOKEN}
MakeClient = Callable[..., TestClient]


def sign(secret: str, body: bytes, moment: int) -> str:
    return WebhookSignature.generate_signature_header(body.decode(), secret, moment)


def new_key(client: TestClient, client_id: str = "acme", tier: str = "free") -> tuple[str, dict[str, str]]:
    reply = client.post("/admin/keys", json={"client_id": client_id, "tier": tier}, headers=AS_ADMIN)
    assert reply.status_code == 201, reply.text
    return reply.json()["key"]["id"], {"X-API-Key": reply.json()["secret"]}


@pytest.mark.requirement("E03")
def test_production_refuses_a_request_without_a_key_and_takes_one_with_it(make_client: MakeClient) -> None:
    client = make_client(environment="prod", **ADMIN)
    assert client.post("/generate", json=BODY).status_code == 401
    _, key = new_key(client)
    accepted = client.post("/generate", json=BODY, headers=key)
    assert accepted.status_code == 202
    assert client.get(accepted.json()["status_url"], headers=key).status_code == 200


@pytest.mark.requirement("E03")
def test_the_database_holds_no_key_in_clear(make_client: MakeClient, database_url: str) -> None:
    client = make_client(**ADMIN)
    _, key = new_key(client)

    async def stored() -> str:
        connection = await asyncpg.connect(database_url)
        try:
            return str([dict(row) for row in await connection.fetch("SELECT * FROM api_keys")])
        finally:
            await connection.close()

    assert key["X-API-Key"] not in asyncio.run(stored())
    assert key["X-API-Key"].split("_", 2)[2] not in asyncio.run(stored())


@pytest.mark.parametrize("wrong", ["cg_000000000000_" + "x" * 43, "cg_short", "nonsense"])
def test_a_wrong_key_is_refused_even_where_none_is_needed(client: TestClient, wrong: str) -> None:
    reply = client.post("/generate", json=BODY, headers={"X-API-Key": wrong})
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.requirement("E06")
def test_a_revoked_key_is_refused_at_once_although_keys_are_cached(make_client: MakeClient) -> None:
    client, other = make_client(**ADMIN), make_client(**ADMIN)
    key_id, key = new_key(client)
    assert other.get("/jobs", headers=key).status_code == 200
    assert client.delete(f"/admin/keys/{key_id}", headers=AS_ADMIN).status_code == 204
    assert client.get("/jobs", headers=key).status_code == 401
    deadline = time.monotonic() + 5
    while other.get("/jobs", headers=key).status_code != 401:
        assert time.monotonic() < deadline, "the other process still takes the revoked key"


def test_nobody_sees_or_cancels_the_job_of_another_client(make_client: MakeClient) -> None:
    client = make_client(**ADMIN)
    _, mine = new_key(client, "acme")
    _, theirs = new_key(client, "rival")
    url = client.post("/generate", json=BODY, headers=mine).json()["status_url"]
    job = url.rsplit("/", 1)[1]
    assert client.get(url, headers=mine).status_code == 200
    assert client.get(url, headers=theirs).status_code == 404
    assert client.get(url).status_code == 404
    assert client.post(f"/cancel/{job}", headers=theirs).status_code == 404
    assert client.delete(f"/jobs/{job}", headers=theirs).status_code == 404
    assert client.get("/jobs", headers=theirs, params={"client_id": "acme"}).status_code == 403
    assert client.get("/jobs", headers=theirs).json()["jobs"] == []
    assert client.post("/generate", json=BODY, headers=theirs).status_code == 403


@pytest.mark.requirement("E12")
def test_a_session_works_until_it_is_ended_and_never_after_its_hour(make_client: MakeClient) -> None:
    client = make_client(environment="prod", session_secret=SECRET, **ADMIN)
    key_id, key = new_key(client)
    token = client.post("/sessions", headers=key).json()["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.get("/jobs", headers=bearer).status_code == 200
    claims = jwt.decode(token, SECRET, ["HS256"], audience="contentgen")
    assert claims["exp"] - claims["iat"] == 3600
    late = jwt.encode({**claims, "exp": int(time.time()) - 1}, SECRET, "HS256")
    assert client.get("/jobs", headers={"Authorization": f"Bearer {late}"}).status_code == 401
    forged = jwt.encode(claims, "another-secret-of-thirty-two-letters", "HS256")
    assert client.get("/jobs", headers={"Authorization": f"Bearer {forged}"}).status_code == 401
    assert client.delete("/sessions", headers=bearer).status_code == 204
    assert client.get("/jobs", headers=bearer).status_code == 401
    assert key_id


@pytest.mark.requirement("A10")
@pytest.mark.requirement("E05")
def test_the_eleventh_generation_in_a_minute_is_refused_with_retry_after(client: TestClient) -> None:
    replies = [client.post("/generate", json=BODY) for _ in range(11)]
    assert [reply.status_code for reply in replies] == [202] * 10 + [429]
    assert replies[0].headers["X-RateLimit-Limit"] == "10"
    assert [int(reply.headers["X-RateLimit-Remaining"]) for reply in replies] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    # At a window's very start the ten fill this window, and the next one must be a tenth over before one of them fades.
    assert 1 <= int(replies[-1].headers["Retry-After"]) <= 60 + 6
    assert replies[0].headers["RateLimit-Policy"] == '"minute";q=100;w=60, "hour";q=1000;w=3600, "generate";q=10;w=60'
    assert replies[0].headers["RateLimit"] == '"generate";r=9;t=0'
    assert replies[-1].json()["code"] == "rate_limited"


@pytest.mark.requirement("A10")
@pytest.mark.parametrize(("window", "scope"), [("rate_limit_per_minute", "minute"), ("rate_limit_per_hour", "hour")])
def test_general_limits_count_by_minute_and_by_hour(make_client: MakeClient, window: str, scope: str) -> None:
    client = make_client(**{window: 5})
    replies = [client.get("/jobs?client_id=acme") for _ in range(6)]
    assert [reply.status_code for reply in replies] == [200] * 5 + [429]
    assert f"in this {scope}" in replies[-1].json()["detail"]


@pytest.mark.requirement("E04")
@pytest.mark.parametrize("tier", list(Tier))
def test_each_tier_has_its_own_limits(make_client: MakeClient, tier: Tier) -> None:
    client = make_client(**ADMIN)
    _, key = new_key(client, tier=tier)
    expected = {"free": (30, 5), "starter": (60, 15), "pro": (120, 30), "business": (300, 60)}[tier]
    assert client.get("/jobs", headers=key).headers["X-RateLimit-Limit"] == str(expected[0])
    codes = [client.post("/generate", json=BODY, headers=key).status_code for _ in range(expected[1] + 1)]
    assert codes == [202] * expected[1] + [429]
    assert TIERS[tier].texts_per_day == {"free": 100, "starter": 500, "pro": 2000, "business": None}[tier]


@pytest.mark.requirement("E11")
def test_limits_can_be_switched_off(make_client: MakeClient) -> None:
    client = make_client(rate_limit_enabled=False)
    replies = [client.post("/generate", json=BODY) for _ in range(12)]
    assert {reply.status_code for reply in replies} == {202}
    assert "X-RateLimit-Limit" not in replies[0].headers


@pytest.mark.requirement("A11")
def test_a_forged_forwarded_address_changes_nothing(make_client: MakeClient) -> None:
    client = make_client(rate_limit_per_minute=2, **ADMIN)
    forged = [{"X-Forwarded-For": f"198.51.100.{i}"} for i in range(3)]
    assert [client.get("/jobs?client_id=a", headers=h).status_code for h in forged] == [200, 200, 429]


@pytest.mark.requirement("A11")
def test_behind_a_proxy_the_address_is_the_one_the_proxy_saw(make_client: MakeClient) -> None:
    client = make_client(trusted_proxies="203.0.113.9/32", allowed_admin_ips="192.0.2.7", admin_token=TOKEN)
    seen = {"X-Forwarded-For": "192.0.2.7", **AS_ADMIN}
    assert client.get("/admin/queue", headers=seen).status_code == 200
    prefixed = {"X-Forwarded-For": "192.0.2.7, 198.51.100.1", **AS_ADMIN}
    assert client.get("/admin/queue", headers=prefixed).status_code == 403


@pytest.mark.requirement("A11")
@pytest.mark.requirement("D02")
@pytest.mark.requirement("E11")
def test_the_empty_list_lets_no_administrator_in(make_client: MakeClient) -> None:
    assert make_client(admin_token=TOKEN).get("/admin/queue", headers=AS_ADMIN).status_code == 403


@pytest.mark.requirement("D02")
def test_administration_needs_address_and_token(make_client: MakeClient) -> None:
    client = make_client(**ADMIN)
    assert client.get("/admin/queue").status_code == 401
    assert client.get("/admin/queue", headers={"X-Admin-Token": "wrong"}).status_code == 401
    queue = client.get("/admin/queue", headers=AS_ADMIN).json()
    assert queue == {
        "name": "ai_generation",
        "waiting": 0,
        "running": 0,
        "in_batches": 0,
        "oldest_seconds": 0,
        "failed": 0,
        "workers": 0,
    }
    assert client.put("/admin/queues/ai_generation/workers", json={"workers": 8}, headers=AS_ADMIN).status_code == 200
    assert client.get("/admin/queue", headers=AS_ADMIN).json()["workers"] == 8
    assert client.put("/admin/queues/other/workers", json={"workers": 8}, headers=AS_ADMIN).status_code == 404
    assert client.delete("/admin/jobs/failed", headers=AS_ADMIN).json() == {"cleared": 0}


NEXT = "the-next-secret-of-at-least-thirty-two"


@pytest.mark.requirement("X02")
def test_while_a_secret_is_renewed_its_neighbours_are_believed_and_it_alone_signs(make_client: MakeClient) -> None:
    """Two instances in the middle of a rollout: the older one knows the next secret, the newer one the one before."""
    older = make_client(session_secret=SECRET, session_secret_next=NEXT, **ADMIN)
    newer = make_client(session_secret=NEXT, session_secret_before=SECRET, **ADMIN)
    _, key = new_key(older)
    for issuer, secret in ((older, SECRET), (newer, NEXT)):
        token = issuer.post("/sessions", headers=key).json()["token"]
        jwt.decode(token, secret, ["HS256"], audience="contentgen")
        for client in (older, newer):
            assert client.get("/jobs", headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.requirement("X02")
def test_the_administrators_and_the_billing_systems_secret_before_and_next_open_the_door_too(
    make_client: MakeClient,
) -> None:
    networks = {"allowed_admin_ips": "203.0.113.0/24"}
    tokens = {"admin_token": TOKEN, "admin_token_before": SECRET, "admin_token_next": NEXT}
    signing = {"webhook_secret": TOKEN, "webhook_secret_before": SECRET, "webhook_secret_next": NEXT}
    client = make_client(**networks, **tokens, **signing)
    for token, status in ((TOKEN, 200), (SECRET, 200), (NEXT, 200), ("none-of-the-three", 401)):
        assert client.get("/admin/queue", headers={"X-Admin-Token": token}).status_code == status
    body = json.dumps({"type": "tier.changed", "client_id": "acme", "tier": "pro"}).encode()
    for secret, status in ((TOKEN, 204), (SECRET, 204), (NEXT, 204), ("none-of-the-three", 401)):
        signature = sign(secret, body, int(time.time()))
        reply = client.post("/webhooks/billing", content=body, headers={"X-Webhook-Signature": signature})
        assert reply.status_code == status


@pytest.mark.requirement("L04")
def test_read_only_and_maintenance_are_switched_by_one_call(make_client: MakeClient) -> None:
    client = make_client(**ADMIN)
    client.put("/admin/mode", json={"mode": "read_only"}, headers=AS_ADMIN)
    refused = client.post("/generate", json=BODY)
    assert refused.status_code == 503 and refused.headers["Retry-After"] == "60"
    assert client.get("/jobs?client_id=acme").status_code == 200
    client.put("/admin/mode", json={"mode": "maintenance"}, headers=AS_ADMIN)
    assert client.get("/jobs?client_id=acme").status_code == 503
    assert client.get("/health").status_code == 200
    client.put("/admin/mode", json={"mode": "normal"}, headers=AS_ADMIN)
    assert client.post("/generate", json=BODY).status_code == 202


@pytest.mark.requirement("E03")
def test_a_webhook_is_believed_only_with_a_fresh_signature(make_client: MakeClient) -> None:
    client = make_client(webhook_secret="a-webhook-secret", **ADMIN)
    _, key = new_key(client)
    body = json.dumps({"type": "tier.changed", "client_id": "acme", "tier": "pro"}).encode()
    now = int(time.time())
    good = sign("a-webhook-secret", body, now)
    bad = ["", good[:-1] + ("0" if good[-1] != "0" else "1"), sign("another-secret-xx", body, now)]
    bad += [sign("a-webhook-secret", body, now - 600), f"t={now}", "t=²,v1=00"]
    for signature in bad:
        reply = client.post("/webhooks/billing", content=body, headers={"X-Webhook-Signature": signature.encode()})
        assert reply.status_code == 401, signature
    assert client.post("/webhooks/billing", content=body, headers={"X-Webhook-Signature": good}).status_code == 204
    assert client.get("/jobs", headers=key).headers["X-RateLimit-Limit"] == "120"


@pytest.mark.requirement("E03")
def test_a_billing_event_that_is_older_or_comes_again_changes_nothing(make_client: MakeClient) -> None:
    client = make_client(webhook_secret="a-webhook-secret", **ADMIN)
    new_key(client)
    now = int(time.time())

    def send(tier: str, moment: int) -> str:
        body = json.dumps({"type": "tier.changed", "client_id": "acme", "tier": tier}).encode()
        headers = {"X-Webhook-Signature": sign("a-webhook-secret", body, moment)}
        assert client.post("/webhooks/billing", content=body, headers=headers).status_code == 204
        return client.get("/admin/keys", headers=AS_ADMIN).json()[0]["tier"]

    assert send("starter", now - 60) == "starter"
    assert send("free", now) == "free"
    assert send("business", now - 30) == "free", "an older event that came later"
    assert send("starter", now - 60) == "free", "the first one, sent again"


@pytest.mark.requirement("B01")
def test_without_redis_limits_still_hold_in_the_process(make_client: MakeClient, servers: Servers) -> None:
    client = make_client(redis_url="redis://127.0.0.1:1/0")
    codes = [client.post("/generate", json=BODY).status_code for _ in range(11)]
    assert codes == [202] * 10 + [429]
    assert client.get("/ready").json() == {"status": "degraded", "degraded": ["redis"]}
    assert client.get("/api/ready").status_code == 503


@pytest.mark.requirement("X03")
def test_a_client_gets_everything_that_is_stored_about_it_and_can_have_it_erased(
    make_client: MakeClient, database_url: str
) -> None:
    client = make_client(**ADMIN)
    _, mine = new_key(client, "acme-and-sons")
    _, theirs = new_key(client, "rival")
    canary = "a topic that only acme would write about"
    body = {**BODY, "client_id": "acme-and-sons", "topic": canary}
    replies = [
        client.post("/generate", json=body, headers={**mine, **key})
        for key in ({"Idempotency-Key": "k-1"}, {"Idempotency-Key": "k-2"}, {})
    ]
    made = {reply.json()["job_id"] for reply in replies}
    client.post("/generate", json={**BODY, "client_id": "rival"}, headers=theirs)
    *exported, end = records(client.get("/export", headers=mine))
    jobs = [line["row"] for line in exported if line["table"] == "jobs"]
    assert {job["id"] for job in jobs} == made
    assert all(job["topic"] == canary for job in jobs)
    assert end == {"rows": len(exported), "complete": {"use1": True}}
    assert client.get("/export").status_code == 401
    assert client.get("/jobs", headers=mine).json()["jobs"]

    assert client.post("/erase", json={"client_id": "rival"}, headers=mine).status_code == 403
    assert client.post("/erase", json={"client_id": "acme-and-sons"}, headers=mine).json()["jobs"] == 3
    assert client.get("/export", headers=mine).status_code == 401, "its keys are gone too"
    for table, text in asyncio.run(everything(database_url)).items():
        assert canary not in text, table
        assert table == "erasures" or "acme-and-sons" not in text, table
        assert not any(job in text for job in made), table
    assert [line["table"] for line in records(client.get("/export", headers=theirs))[:-1]].count("jobs") == 1


def records(reply: httpx.Response) -> list[dict[str, object]]:
    """The objects of an export, one a line."""
    assert reply.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in reply.text.splitlines()]


async def everything(url: str) -> dict[str, str]:
    """Every row of every table, as text."""
    connection = await asyncpg.connect(url)
    try:
        query = "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        tables = await connection.fetch(f"{query} WHERE n.nspname = 'public' AND c.relkind = 'r'")
        # Table names come from the catalogue.
        query = "SELECT array_agg(t::text) FROM {} t"
        return {row[0]: str(await connection.fetchval(query.format(row[0]))) for row in tables}
    finally:
        await connection.close()
