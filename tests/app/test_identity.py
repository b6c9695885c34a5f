"""Ownership of jobs and delegation: owners, keys, sessions and their end, over processes and regions."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from uuid import uuid4

import asyncpg
import httpx
import pytest
import redis
from conftest import Fleet, Servers, apart, create_database, eventually, fleet_over, run_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from test_access import ADMIN, AS_ADMIN, BODY, SECRET, new_key, records
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

MakeClient = Callable[..., TestClient]
WITHIN_SECONDS = 5.0
"""A revocation holds everywhere after this."""


def bearer(client: TestClient, key: dict[str, str]) -> dict[str, str]:
    token = client.post("/sessions", headers=key).json()["token"]
    return {"Authorization": f"Bearer {token}"}


def answers(client: TestClient, headers: dict[str, str]) -> int:
    return client.get("/jobs", headers=headers).status_code


@pytest.mark.requirement("E03")
def test_a_guest_can_neither_act_under_a_keyed_clients_name_nor_see_what_it_has(make_client: MakeClient) -> None:
    client = make_client(**ADMIN)
    _, acme = new_key(client, "acme")
    theirs = client.post("/generate", json=BODY, headers=acme).json()
    forged = client.post("/generate", json=BODY).json()
    listed = [job["job_id"] for job in client.get("/jobs", headers=acme).json()["jobs"]]
    assert listed == [theirs["job_id"]]
    assert [job["job_id"] for job in client.get("/jobs?client_id=acme").json()["jobs"]] == [forged["job_id"]]
    assert client.get(theirs["status_url"]).status_code == 404
    assert client.post(f"/cancel/{theirs['job_id']}").status_code == 404
    assert client.get(forged["status_url"], headers=acme).status_code == 404


@pytest.mark.requirement("E03")
@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_without_a_key_nothing_can_be_asked_in_staging_and_production(
    make_client: MakeClient, environment: str
) -> None:
    client = make_client(environment=environment)
    job = "use1-019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"
    asked = [
        client.post("/generate", json=BODY),
        client.get("/jobs?client_id=acme"),
        client.get(f"/status/{job}"),
        client.post(f"/cancel/{job}"),
        client.delete(f"/jobs/{job}"),
        client.get("/export"),
        client.post("/erase", json={"client_id": "acme"}),
        client.post("/sessions"),
    ]
    assert {reply.status_code for reply in asked} == {401}
    assert client.get("/sessions").json() == {"keys_required": True, "client_id": None}


Act = tuple[int, str]
ACTS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(["write", "list", "read", "cancel", "delete"])), max_size=12
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
@pytest.mark.requirement("E03")
def test_two_clients_never_see_count_cancel_or_delete_each_others_jobs(
    two_clients: "TwoClients", acts: list[Act]
) -> None:
    for who, act in acts:
        two_clients.act(who, act)


@dataclass
class TwoClients:
    """Two keys on one service, and what each has made."""

    client: TestClient
    keys: tuple[dict[str, str], dict[str, str]]
    made: tuple[dict[str, str], dict[str, str]]

    def act(self, who: int, act: str) -> None:
        """One act on the own jobs must work, and the same on the other's must find nothing."""
        own, others, key = self.made[who], self.made[1 - who], self.keys[who]
        if act == "write":
            body = {"topic": "Quiet offices", "content_type": "social"}
            job = self.client.post("/generate", json=body, headers=key).json()["job_id"]
            own[job] = "pending"
        elif act == "list":
            listed = self.client.get("/jobs?limit=100", headers=key).json()["jobs"]
            assert {job["job_id"]: job["status"] for job in listed} == own
        else:
            for job in [*others, *list(own)[-1:]]:
                self._one(job, act, own, key)

    def _one(self, job: str, act: str, own: dict[str, str], key: dict[str, str]) -> None:
        ask = {"read": ("GET", "/status/"), "cancel": ("POST", "/cancel/"), "delete": ("DELETE", "/jobs/")}[act]
        status = self.client.request(ask[0], ask[1] + job, headers=key).status_code
        if job not in own:
            assert status == 404
        elif act == "read":
            assert status == 200
        elif act == "cancel":
            assert status == (200 if own[job] == "pending" else 409)
            own[job] = "cancelled"
        else:
            assert status == (409 if own[job] == "pending" else 204)
            if status == 204:
                del own[job]


@pytest.fixture
def two_clients(make_client: MakeClient) -> TwoClients:
    client = make_client(rate_limit_enabled=False, **ADMIN)
    keys = tuple(new_key(client, name, "business")[1] for name in ("acme", "rival"))
    return TwoClients(client, keys, ({}, {}))


@pytest.mark.requirement("E03")
def test_the_database_itself_shows_a_client_nothing_of_another(make_client: MakeClient, database_url: str) -> None:
    """The second lock: statements without any condition, as a forgotten one would be."""
    client = make_client(**ADMIN)
    for name in ("acme", "rival"):
        client.post("/generate", json={**BODY, "client_id": name}, headers=new_key(client, name)[1])
    client.post("/generate", json={**BODY, "client_id": "somebody"})

    async def seen(owner: str | None) -> tuple[list[str], str, str]:
        connection = await asyncpg.connect(database_url)
        try:
            async with connection.transaction():
                await connection.execute("SELECT set_config('role', 'contentgen_client', true)")
                if owner is not None:
                    await connection.execute("SELECT set_config('contentgen.owner', $1, true)", owner)
                rows = await connection.fetch("SELECT client_id FROM jobs ORDER BY 1")
                changed = await connection.execute("UPDATE jobs SET progress = 1")
                deleted = await connection.execute("DELETE FROM jobs")
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    async with connection.transaction():
                        await connection.execute("SELECT count(*) FROM jobs_default")
            return [row[0] for row in rows], changed, deleted
        finally:
            await connection.close()

    assert asyncio.run(seen("acme")) == (["acme"], "UPDATE 1", "DELETE 1")
    assert asyncio.run(seen("~")) == (["somebody"], "UPDATE 1", "DELETE 1")
    assert asyncio.run(seen("nobody")) == ([], "UPDATE 0", "DELETE 0")
    assert asyncio.run(seen(None)) == ([], "UPDATE 0", "DELETE 0")


@pytest.mark.requirement("E12")
@pytest.mark.requirement("E06")
@pytest.mark.parametrize("redis_there", [True, False], ids=["redis", "no-redis"])
def test_a_revoked_key_ends_its_sessions_too_in_every_process(make_client: MakeClient, redis_there: bool) -> None:
    away = {} if redis_there else {"redis_url": "redis://127.0.0.1:1/0"}
    client = make_client(session_secret=SECRET, environment="prod", **ADMIN)
    other = make_client(session_secret=SECRET, environment="prod", **ADMIN, **away)
    key_id, key = new_key(client)
    session = bearer(client, key)
    assert (answers(other, key), answers(other, session)) == (200, 200)
    assert client.delete(f"/admin/keys/{key_id}", headers=AS_ADMIN).status_code == 204
    assert (answers(client, key), answers(client, session)) == (401, 401)
    eventually(lambda: (answers(other, key), answers(other, session)) == (401, 401), WITHIN_SECONDS)


@pytest.mark.requirement("E12")
def test_a_session_that_was_ended_is_refused_in_a_process_without_redis_too(make_client: MakeClient) -> None:
    client = make_client(session_secret=SECRET, **ADMIN)
    other = make_client(session_secret=SECRET, redis_url="redis://127.0.0.1:1/0", **ADMIN)
    session = bearer(client, new_key(client)[1])
    assert answers(other, session) == 200
    assert client.delete("/sessions", headers=session).status_code == 204
    eventually(lambda: answers(other, session) == 401, WITHIN_SECONDS)


@pytest.mark.requirement("E12")
def test_a_session_is_renewed_until_a_day_has_passed(make_client: MakeClient) -> None:
    import jwt

    client = make_client(session_secret=SECRET, **ADMIN)
    session = bearer(client, new_key(client)[1])
    claims = jwt.decode(session["Authorization"][7:], SECRET, ["HS256"], audience="contentgen")
    renewed = client.post("/sessions", headers=session).json()["token"]
    assert jwt.decode(renewed, SECRET, ["HS256"], audience="contentgen")["auth_time"] == claims["auth_time"]
    long_ago = {**claims, "auth_time": claims["auth_time"] - 86_390}
    old = {"Authorization": f"Bearer {jwt.encode(long_ago, SECRET, 'HS256')}"}
    last = client.post("/sessions", headers=old).json()["token"]
    assert jwt.decode(last, SECRET, ["HS256"], audience="contentgen")["exp"] == long_ago["auth_time"] + 86_400


@pytest.mark.requirement("E03")
def test_keys_are_read_from_the_primary_so_a_lagging_replica_changes_nothing(
    make_client: MakeClient, servers: Servers
) -> None:
    """The replica is an empty database here: it knows of no key, and would still know a revoked one."""
    name = f"t_{uuid4().hex[:16]}"
    apart(create_database(servers, name))
    client = make_client(database_read_url=servers.database_url(name), **ADMIN)
    key_id, key = new_key(client)
    assert answers(client, key) == 200
    assert client.delete(f"/admin/keys/{key_id}", headers=AS_ADMIN).status_code == 204
    assert answers(client, key) == 401


@pytest.mark.requirement("E03")
def test_a_command_that_revokes_without_redis_is_obeyed_by_every_process(fleet: Fleet, servers: Servers) -> None:
    redis.Redis.from_url(servers.redis_url).flushall()
    made = json.loads(run_app(fleet, "keys", "create", "acme").stdout)
    with fleet.process("cpm", "serve", "--role", "cpm") as (_, api):
        key = {"X-API-Key": made["secret"]}
        assert httpx.get(f"{api}/jobs", headers=key).status_code == 200
        done = run_app(fleet, "keys", "revoke", made["id"], REDIS_URL="redis://127.0.0.1:1/0")
        assert done.returncode == 0
        eventually(lambda: httpx.get(f"{api}/jobs", headers=key).status_code == 401, WITHIN_SECONDS)


@pytest.mark.requirement("E03")
def test_a_process_that_cannot_learn_of_revocations_believes_no_key(make_client: MakeClient) -> None:
    client = make_client(**ADMIN)
    _, key = new_key(client)
    assert answers(client, key) == 200
    client.app.state.services.watch.revocations._read_at -= 8
    refused = client.get("/jobs", headers=key)
    assert refused.status_code == 503 and "Retry-After" in refused.headers
    eventually(lambda: answers(client, key) == 200)


@dataclass(frozen=True)
class TwoRegions:
    """America and Europe, each with a database and a Redis database of its own."""

    america: str
    europe: str
    fleets: tuple[Fleet, Fleet]

    def key(self, client: str = "acme", *, made_in: int = 0) -> tuple[str, dict[str, str]]:
        made = json.loads(run_app(self.fleets[made_in], "keys", "create", client, "--tier", "business").stdout)
        return made["id"], {"X-API-Key": made["secret"]}


@contextmanager
def two_regions(fleet: Fleet, servers: Servers) -> Iterator[TwoRegions]:
    from localcloud.servers import free_port

    name = f"t_{uuid4().hex[:16]}"
    apart(create_database(servers, name))
    url = servers.database_url(name)
    redis.Redis.from_url(servers.redis_url).flushall()
    there = fleet_over(url, url, servers.redis_url.replace("/0", "/5"), fleet.folder)
    ports = free_port(), free_port()
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    known = json.dumps({"us-east-1": urls[0], "eu-west-1": urls[1]})
    common = {"SESSION_SECRET": SECRET, "REGION_URLS": known, "API_KEY_REQUIRED": "true"}
    with ExitStack() as stack:
        for one, region, port in ((fleet, "us-east-1", ports[0]), (there, "eu-west-1", ports[1])):
            stack.enter_context(
                one.process(region, "serve", "--role", "cpm", REGION=region, **{**common, "PORT": str(port)})
            )
        yield TwoRegions(urls[0], urls[1], (fleet, there))


@pytest.mark.requirement("E03")
@pytest.mark.requirement("E12")
def test_keys_and_sessions_hold_in_every_region_and_so_does_their_end(fleet: Fleet, servers: Servers) -> None:
    with two_regions(fleet, servers) as regions:
        key_id, key = regions.key()
        assert httpx.get(f"{regions.america}/jobs", headers=key).status_code == 200
        eventually(lambda: httpx.get(f"{regions.europe}/jobs", headers=key).status_code == 200, WITHIN_SECONDS)
        token = httpx.post(f"{regions.europe}/sessions", headers=key).json()["token"]
        session = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{regions.america}/jobs", headers=session).status_code == 200
        job = httpx.post(f"{regions.europe}/generate", json=BODY, headers=key).json()["job_id"]
        for one in (key, session):
            assert httpx.get(f"{regions.america}/status/{job}", headers=one).json()["job_id"] == job
        _, rival = regions.key("rival", made_in=1)
        assert httpx.get(f"{regions.europe}/status/{job}", headers=rival).status_code == 404
        assert httpx.post(f"{regions.america}/cancel/{job}", headers=session).json()["status"] == "cancelled"
        assert httpx.delete(f"{regions.america}/jobs/{job}", headers=key).status_code == 204

        mine = [
            httpx.post(f"{url}/generate", json=BODY, headers=key).json() for url in (regions.america, regions.europe)
        ]
        exported = records(httpx.get(f"{regions.america}/export", headers=session))
        told = {line["row"]["id"] for line in exported[:-1] if line["table"] == "jobs"}
        assert told == {one["job_id"] for one in mine}
        assert exported[-1] == {"rows": len(exported) - 1, "complete": {"use1": True, "euw1": True}}

        assert run_app(regions.fleets[0], "keys", "revoke", key_id).returncode == 0
        for url in (regions.america, regions.europe):
            for one in (key, session):
                eventually(
                    lambda url=url, one=one: httpx.get(f"{url}/jobs", headers=one).status_code == 401, WITHIN_SECONDS
                )


@pytest.mark.requirement("E03")
def test_what_regions_tell_each_other_is_told_to_nobody_else(fleet: Fleet, servers: Servers) -> None:
    import time

    import jwt

    with two_regions(fleet, servers) as regions:
        url = f"{regions.america}/internal/identity?since=2026-01-01T00:00:00Z"
        claims = {"sub": "/internal/identity", "aud": "contentgen-region", "exp": int(time.time()) + 30}
        good = jwt.encode(claims, SECRET, "HS256")
        assert httpx.get(url, headers={"Authorization": f"Bearer {good}"}).status_code == 200
        wrong = [
            jwt.encode(claims, "another-secret-of-thirty-two-letters", "HS256"),
            jwt.encode({**claims, "exp": int(time.time()) - 1}, SECRET, "HS256"),
            jwt.encode({**claims, "sub": "/status"}, SECRET, "HS256"),
            jwt.encode({**claims, "aud": "contentgen"}, SECRET, "HS256"),
        ]
        for token in wrong:
            assert httpx.get(url, headers={"Authorization": f"Bearer {token}"}).status_code == 401
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, headers=regions.key()[1]).status_code == 401


@pytest.mark.requirement("E12")
@pytest.mark.requirement("E08")
def test_an_open_socket_ends_with_the_key_that_opened_it(fleet: Fleet) -> None:
    made = json.loads(run_app(fleet, "keys", "create", "acme").stdout)
    key = {"X-API-Key": made["secret"]}
    with fleet.process("cpm", "serve", "--role", "cpm", API_KEY_REQUIRED="true") as (_, api):
        job = httpx.post(f"{api}/generate", json=BODY, headers=key).json()["job_id"]
        with connect(f"{api.replace('http', 'ws')}/ws/jobs/{job}") as socket:
            socket.send(json.dumps({"token": made["secret"]}))
            assert json.loads(socket.recv(timeout=5))["status"] == "pending"
            assert run_app(fleet, "keys", "revoke", made["id"]).returncode == 0
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=WITHIN_SECONDS)
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 4401


@pytest.mark.requirement("X03")
def test_an_erasure_in_one_region_is_one_in_every_region_and_ends_the_sessions(fleet: Fleet, servers: Servers) -> None:
    with two_regions(fleet, servers) as regions:
        _, key = regions.key()
        eventually(lambda: httpx.get(f"{regions.europe}/jobs", headers=key).status_code == 200, WITHIN_SECONDS)
        token = httpx.post(f"{regions.europe}/sessions", headers=key).json()["token"]
        session = {"Authorization": f"Bearer {token}"}
        jobs = [
            httpx.post(f"{url}/generate", json=BODY, headers=key).json()["job_id"]
            for url in (regions.america, regions.europe)
        ]
        _, rival = regions.key("rival")
        kept = httpx.post(f"{regions.america}/generate", json={**BODY, "client_id": "rival"}, headers=rival).json()
        erased = httpx.post(f"{regions.america}/erase", json={"client_id": "acme"}, headers=session)
        assert erased.json()["jobs"] == 1
        for url in (regions.america, regions.europe):
            for one in (key, session):
                eventually(
                    lambda url=url, one=one: httpx.get(f"{url}/jobs", headers=one).status_code == 401, WITHIN_SECONDS
                )
        for owner, job in zip(regions.fleets, jobs, strict=True):
            query = f"SELECT count(*) FROM jobs WHERE id = '{job}'"  # noqa: S608  our own id
            eventually(lambda owner=owner, query=query: asyncio.run(counted(owner, query)) == 0, WITHIN_SECONDS)
        assert httpx.get(f"{regions.america}{kept['status_url']}", headers=rival).status_code == 200


async def counted(fleet: Fleet, query: str) -> int:
    connection = await asyncpg.connect(fleet.environment["DATABASE_URL_DIRECT"])
    try:
        return int(await connection.fetchval(query))
    finally:
        await connection.close()
