"""The front end's process: the page and nothing else, with no secret to lose."""

import httpx
import pytest
from conftest import Fleet
from fastapi import APIRouter, HTTPException
from starlette.testclient import TestClient

from app.frontend import create
from app.headers import SECURITY_HEADERS
from app.lifecycle import Lifecycle
from app.process_settings import ProcessSettings

ALONE = ("PATH", "PYTHONPATH", "HOST")


def client(lifecycle: Lifecycle | None = None, **values: object) -> TestClient:
    settings = ProcessSettings(**values)  # type: ignore[arg-type]
    return TestClient(create(settings, lifecycle or Lifecycle()), raise_server_exceptions=False)


@pytest.mark.requirement("A03")
def test_the_image_serves_the_page_with_neither_database_nor_secret(fleet: Fleet) -> None:
    bare = Fleet({name: fleet.environment[name] for name in ALONE}, fleet.folder)
    with bare.process("frontend", "serve", "--role", "frontend") as (_, url):
        answer = httpx.get(url)
        assert answer.status_code == 200
        assert "<title>Content generation</title>" in answer.text
        assert httpx.get(f"{url}/health").json() == {"status": "healthy"}
        assert "http_requests_total" in httpx.get(f"{url}/metrics").text
        assert "process_resident_memory_bytes" in httpx.get(f"{url}/metrics").text


@pytest.mark.requirement("K20")
def test_files_named_by_their_content_are_kept_for_a_year_and_the_page_never() -> None:
    page = client().get("/")
    assert page.headers["cache-control"] == "no-cache"
    names = [part.partition('"')[0] for part in page.text.split('"/static/')[1:]]
    assert len(names) == 3
    for name in names:
        assert client().get(f"/static/{name}").headers["cache-control"] == "public, max-age=31536000, immutable"


def test_a_file_that_is_not_there_yet_is_not_kept() -> None:
    missing = client().get("/static/page.0123456789ab.js")
    assert missing.status_code == 404
    assert "cache-control" not in missing.headers


@pytest.mark.requirement("Y01")
@pytest.mark.parametrize("path", ["/", "/static/none.js", "/health", "/none"])
def test_every_answer_of_the_front_end_carries_the_security_headers(path: str) -> None:
    answer = client().get(path)
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers.get_list(name) == [value]


def test_a_front_end_on_its_way_out_is_not_ready_and_still_serves() -> None:
    leaving = client(Lifecycle(draining=True))
    assert leaving.get("/ready").status_code == 503
    assert leaving.get("/").status_code == 200
    assert client().get("/ready").status_code == 200


@pytest.mark.requirement("A03")
@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_front_end_is_ready_only_while_its_page_answers_200(status: int) -> None:
    broken = APIRouter()

    @broken.get("/")
    async def index() -> None:
        raise HTTPException(status)

    site = TestClient(create(ProcessSettings(https_redirect_enabled=True), Lifecycle(), broken))
    assert (site.get("/ready").status_code, site.get("/ready").json()) == (503, {"status": "no page"})
    # A kubelet is told of the page although the page itself would send it to HTTPS.
    whole = TestClient(create(ProcessSettings(https_redirect_enabled=True), Lifecycle()), follow_redirects=False)
    assert (whole.get("/").status_code, whole.get("/ready").status_code) == (308, 200)


@pytest.mark.parametrize(
    "path", ["/generate", "/status/x", "/admin/queue", "/docs", "/openapi.json", "/webhooks/billing"]
)
def test_the_front_end_has_no_door_to_the_service(path: str) -> None:
    assert client().get(path).status_code == client().post(path).status_code == 404


def test_a_foreign_host_is_refused_and_a_probe_by_address_is_not() -> None:
    site = client(allowed_hosts="example.com")
    assert site.get("/").status_code == 400
    assert site.get("/", headers={"Host": "example.com"}).status_code == 200
    assert site.get("/ready").status_code == 200
