"""The API of video-gateway in this process: what it takes, refuses and shows, and to whom."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from conftest import Fleet, Servers, eventually, run_app
from gateway_site import ASKED, MakeGateway, ended, made
from recipe_site import SECRET, key_of
from shelf import run_sql
from starlette.testclient import TestClient

from app.failures import FAILURES
from app.ids import JobId
from app.video.tickets import ticket_of
from app.video_gateway.flags import Feature, Features
from app.video_gateway.renderer import Order, Report
from app.video_gateway.settings import GatewaySettings

MIB = 1024 * 1024


class Held:
    """A renderer that waits until a test lets it go, and remembers its orders."""

    def __init__(self) -> None:
        self.orders: list[str] = []
        self.ended: list[str] = []
        self.go = threading.Event()

    async def render(self, order: Order, report: Report) -> bytes:
        self.orders.append(order.prompt)
        report(42)
        try:
            while not self.go.is_set():
                await asyncio.sleep(0.01)
        finally:
            self.ended.append(order.prompt)
        return b"\0\0\0\x18ftypisom"

    async def close(self) -> None:
        return None


@pytest.fixture
def held() -> Iterator[Held]:
    renderer = Held()
    yield renderer
    renderer.go.set()


def name_of(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0]


def test_a_video_is_accepted_with_its_address_and_listed_newest_first(make_gateway: MakeGateway, held: Held) -> None:
    client = make_gateway(renderer=held)
    answer = client.post("/api/generate", json={"prompt": "  One\nscene  ", "priority": "high"})
    assert (answer.status_code, answer.headers["retry-after"]) == (202, "1")
    path = answer.headers["location"]
    assert path == answer.json()["url"] == f"/api/videos/{answer.json()['id']}"
    shown = client.get(path).json()
    assert (shown["prompt"], shown["seconds"], shown["priority"]) == ("One\nscene", 4, "high")
    assert (shown["url"], shown["file"], shown["error"]) == (None, None, None)
    second = made(client)
    assert [one["id"] for one in client.get("/api/videos").json()] == [second, shown["id"]]
    older = client.get("/api/videos", params={"before": second, "limit": 5}).json()
    assert [one["id"] for one in older] == [shown["id"]]
    assert client.get(f"{path}/file").json()["code"] == "video_not_ready"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"prompt": ""}, "body.prompt"),
        ({"prompt": " \n "}, "body.prompt"),
        ({"prompt": "x" * 2001}, "body.prompt"),
        ({"prompt": "a\x00b"}, "body.prompt"),
        ({"prompt": "a", "seconds": 1}, "body.seconds"),
        ({"prompt": "a", "seconds": 11}, "body.seconds"),
        ({"prompt": "a", "seconds": "4"}, "body.seconds"),
        ({"prompt": "a", "priority": "urgent"}, "body.priority"),
        ({"prompt": "a", "owner": "b"}, "body.owner"),
        ({}, "body.prompt"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_with_the_field(
    make_gateway: MakeGateway, held: Held, body: dict[str, object], field: str
) -> None:
    answer = make_gateway(renderer=held).post("/api/generate", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_the_largest_request_is_taken_and_a_larger_body_is_refused_unread(
    make_gateway: MakeGateway, held: Held
) -> None:
    client = make_gateway(renderer=held)
    for seconds in (2, 10):
        assert made(client, prompt="\N{GRINNING FACE}" * 2000, seconds=seconds)
    answer = client.post("/api/generate", content=b"x" * 10 * MIB, headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_a_full_queue_takes_no_more_and_stores_nothing(
    make_gateway: MakeGateway, held: Held, servers: Servers, gateway_url: str
) -> None:
    client = make_gateway(renderer=held, queue_limit=2)
    made(client)
    eventually(lambda: held.orders)
    waiting = [made(client), made(client)]
    answer = client.post("/api/generate", json=ASKED)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (429, "queue_full", "30")
    assert run_sql(servers, name_of(gateway_url), "SELECT count(*) FROM generated_videos") == [(3,)]
    assert client.delete(f"/api/videos/{waiting[0]}").status_code == 204
    assert client.post("/api/generate", json=ASKED).status_code == 202


def test_an_urgent_video_is_rendered_before_those_that_wait_and_one_at_a_time(
    make_gateway: MakeGateway, held: Held
) -> None:
    client = make_gateway(renderer=held)
    made(client, prompt="first")
    eventually(lambda: held.orders)
    for urgency in ("low", "normal", "high"):
        made(client, prompt=urgency, priority=urgency)
    assert [one["status"] for one in client.get("/api/videos").json()] == ["pending"] * 3 + ["in_progress"]
    assert held.orders == ["first"]
    held.go.set()
    eventually(lambda: len(held.orders) == 4)
    assert held.orders == ["first", "high", "normal", "low"]


def test_a_process_takes_no_video_before_it_has_room_so_that_another_one_may(
    make_gateway: MakeGateway, held: Held
) -> None:
    client = make_gateway(renderer=held)
    first = made(client)
    eventually(lambda: held.orders)
    second = made(client)
    free = Held()
    free.go.set()
    make_gateway(renderer=free)
    assert ended(client, second)["status"] == "ready"
    assert client.get(f"/api/videos/{first}").json()["status"] == "in_progress"


def test_progress_is_written_while_a_video_is_rendered(make_gateway: MakeGateway, held: Held) -> None:
    client = make_gateway(renderer=held)
    video = made(client)
    assert client.get("/api/videos").json()[0]["percent"] == 0
    eventually(lambda: client.get(f"/api/videos/{video}").json()["percent"] == 42)
    assert client.get("/api/videos").json()[0]["percent"] == 42
    held.go.set()
    assert ended(client, video)["percent"] == 100


def test_a_video_that_is_deleted_is_rendered_no_further(make_gateway: MakeGateway, held: Held) -> None:
    client = make_gateway(renderer=held)
    video = made(client, prompt="running")
    eventually(lambda: held.orders)
    assert client.delete(f"/api/videos/{video}").status_code == 204
    eventually(lambda: held.ended == ["running"])
    assert client.delete(f"/api/videos/{video}").status_code == 404
    assert client.get("/api/videos").json() == []


@pytest.mark.requirement("E03")
def test_a_client_sees_and_changes_its_own_videos_alone(make_gateway: MakeGateway) -> None:
    client = make_gateway(api_key_required=True, session_secret=SECRET)
    for method, path in (("POST", "/api/generate"), ("GET", "/api/videos"), ("GET", "/api/flags")):
        assert client.request(method, path, json=ASKED).status_code == 401, path
    acme, other = key_of(client, "acme"), key_of(client, "other")
    video = made(client, acme)
    ready = ended(client, video, acme)
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/file")):
        answer = client.request(method, f"/api/videos/{video}{path}", headers=other)
        assert (answer.status_code, answer.json()["code"]) == (404, "video_not_found"), path
    assert client.get("/api/videos", headers=other).json() == []
    assert client.get(f"/api/videos/{video}/file").status_code == 401
    assert client.get(f"/api/videos/{video}/file", headers=acme).status_code == 200
    assert client.get(ready["file"]).status_code == 200


def test_a_ticket_is_good_for_its_own_video_until_it_expires(make_gateway: MakeGateway) -> None:
    client = make_gateway(session_secret=SECRET, api_key_required=True)
    acme = key_of(client, "acme")
    first, second = made(client, acme), made(client, acme)
    tickets = {one: ended(client, one, acme)["file"].partition("?")[2] for one in (first, second)}
    assert client.get(f"/api/videos/{first}/file?{tickets[first]}").status_code == 200
    assert client.get(f"/api/videos/{first}/file?{tickets[second]}").status_code == 404
    forged = (
        ticket_of(JobId.parse(first), f"videos/{first}/1.mp4", ("t" * 40,), 60),
        ticket_of(JobId.parse(first), f"videos/{first}/1.mp4", (SECRET,), -1),
        "x.y.z",
    )
    for ticket in forged:
        assert client.get(f"/api/videos/{first}/file", params={"ticket": ticket}).status_code == 404


def test_a_player_gets_the_range_that_it_asks_for(make_gateway: MakeGateway) -> None:
    client = make_gateway()
    video = made(client)
    size = ended(client, video)["bytes"]
    path = f"/api/videos/{video}/file"
    whole = client.get(path)
    assert (whole.status_code, whole.headers["accept-ranges"], len(whole.content)) == (200, "bytes", size)
    for wanted, first, last in (("bytes=0-1", 0, 1), ("bytes=100-", 100, size - 1)):
        part = client.get(path, headers={"Range": wanted})
        assert (part.status_code, part.headers["content-range"]) == (206, f"bytes {first}-{last}/{size}")
        assert part.content == whole.content[first : last + 1]
    assert client.get(path, headers={"Range": f"bytes={size}-"}).status_code == 416
    assert client.get(path, headers={"Range": "lines=1-2"}).status_code == 200


def test_reads_of_what_must_be_there_go_to_the_replica_and_others_to_the_primary(
    make_gateway: MakeGateway, held: Held, servers: Servers, gateway_url: str, gateway_template: str
) -> None:
    """The replica is another database here, so that it is seen which of the two answers."""
    replica = f"{name_of(gateway_url)}_replica"
    run_sql(servers, "postgres", f"CREATE DATABASE {replica} TEMPLATE {gateway_template}")
    client = make_gateway(renderer=held, database_read_url=servers.database_url(replica))
    young = made(client)
    old = str(JobId.new("use1", datetime.now(UTC) - timedelta(seconds=61)))
    assert client.get(f"/api/videos/{young}").json()["status"] in ("pending", "in_progress")
    row = (
        "INSERT INTO generated_videos (id, created_at, owner, prompt, seconds, priority, expires_at)"
        " VALUES ($1, now(), '~guest', $2, 4, 'low', now() + interval '1 day')"
    )
    run_sql(servers, replica, row, old, "of the replica")
    assert client.get(f"/api/videos/{old}").json()["prompt"] == "of the replica"
    assert [one["id"] for one in client.get("/api/videos").json()] == [young]
    assert [one["id"] for one in client.get("/api/videos", params={"before": young}).json()] == [old]


def test_without_the_flag_no_video_is_taken_and_the_page_is_told(
    make_gateway: MakeGateway, servers: Servers, gateway_url: str
) -> None:
    client = make_gateway(enable_ai_video=False)
    answer = client.post("/api/generate", json=ASKED)
    assert (answer.status_code, answer.json()["code"]) == (503, "feature_disabled")
    assert client.get("/api/flags").json() == {"flags": {"new-timeline-ui": False, "ai-video-generation": False}}
    assert run_sql(servers, name_of(gateway_url), "SELECT count(*) FROM generated_videos") == [(0,)]


def settings_with(**values: object) -> GatewaySettings:
    url = "postgresql://a:b@c/d"
    return GatewaySettings(database_url=url, database_url_direct=url, **values)  # type: ignore[arg-type]


def features(client: TestClient, **values: object) -> Features:
    services = client.app.state.services  # type: ignore[attr-defined]
    return Features(settings_with(**values), services.switchboard)


def test_a_tenth_of_the_callers_have_the_timeline_and_all_may_generate(make_gateway: MakeGateway, held: Held) -> None:
    now = features(make_gateway(renderer=held), enable_new_timeline=True, enable_ai_video=True)
    callers = [f"client-{number}" for number in range(5000)]
    has = [caller for caller in callers if now.has(Feature.TIMELINE, caller)]
    assert len(has) / len(callers) == pytest.approx(0.1, abs=0.015)
    assert has == [caller for caller in callers if now.has(Feature.TIMELINE, caller)], "the same each time"
    assert all(now.has(Feature.GENERATION, caller) for caller in callers)
    off = features(make_gateway(renderer=held))
    assert not any(off.has(feature, caller) for feature in Feature for caller in callers[:100])


def test_an_operator_turns_a_feature_off_and_on_without_a_deployment(
    make_gateway: MakeGateway, held: Held, gateway_fleet: Fleet
) -> None:
    client = make_gateway(renderer=held)
    assert client.post("/api/generate", json=ASKED).status_code == 202
    assert run_app(gateway_fleet, "flags", "set", "ai-video-generation", "--off").returncode == 0
    eventually(lambda: client.post("/api/generate", json=ASKED).status_code == 503)
    assert client.get("/api/flags").json()["flags"]["ai-video-generation"] is False
    assert run_app(gateway_fleet, "flags", "set", "new-timeline-ui").returncode == 0
    eventually(lambda: client.get("/api/flags").json()["flags"]["new-timeline-ui"])


def test_letters_that_the_embedded_renderer_lacks_are_a_failure_in_words(make_gateway: MakeGateway) -> None:
    client = make_gateway()
    found = ended(client, made(client, prompt="赤い凧が緑の丘の上を飛ぶ"))
    assert (found["status"], found["error"]) == ("failed", FAILURES["video_letters"].sentence)
