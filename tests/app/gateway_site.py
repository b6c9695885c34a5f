"""The product video-gateway for the tests: a migrated database of its own, the gateway, and its processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import httpx
import pytest
import redis
from dashboard_site import create_from
from one_origin import one_origin
from recipe_site import AWS_KEYS, SECRET, aws_variables
from starlette.testclient import TestClient

from app.migrate import migrate
from app.video_gateway.application import create
from app.video_gateway.history import HISTORY
from app.video_gateway.renderer import Renderer
from app.video_gateway.settings import GatewaySettings, GatewayTaskSettings

if TYPE_CHECKING:
    from conftest import Fleet, Servers

MakeGateway = Callable[..., TestClient]
TEMPLATE = "gateway_template"
ASKED = {"prompt": "A red kite over green hills", "seconds": 2}


@pytest.fixture(scope="session")
def gateway_template(servers: Servers) -> str:
    """Name of a migrated database that others are copied from."""
    from conftest import apart

    url = servers.database_url(TEMPLATE)
    apart(create_from(servers, TEMPLATE, "template0"))
    apart(migrate(GatewayTaskSettings(database_url_direct=url), history=HISTORY))  # type: ignore[call-arg]
    return TEMPLATE


@pytest.fixture
def gateway_url(servers: Servers, gateway_template: str) -> str:
    """A migrated database that only this test uses."""
    from conftest import apart

    name = f"v_{uuid4().hex[:16]}"
    apart(create_from(servers, name, gateway_template))
    return servers.database_url(name)


@pytest.fixture
def make_gateway(servers: Servers, gateway_url: str, video_bucket: str) -> Iterator[MakeGateway]:
    """The gateway in this process, with another renderer if one is given; keyword arguments replace settings, which
    have short times so that what is lost comes back within a test. Redis begins empty.
    """
    redis.Redis.from_url(servers.redis_url).flushall()
    with ExitStack() as stack:

        def make(address: str = "203.0.113.9", renderer: Renderer | None = None, **values: object) -> TestClient:
            base: dict[str, object] = {
                "database_url": gateway_url,
                "database_url_direct": gateway_url,
                "redis_url": servers.redis_url,
                "rate_limit_enabled": False,
                "database_pool_size": 5,
                "video_bucket": video_bucket,
                "enable_ai_video": True,
                "job_lease_seconds": 2,
                "job_sweep_seconds": 1,
                "job_retry_base_seconds": 0.1,
                "grace_seconds": 6,
            }
            app = create(GatewaySettings(**{**base, **values}), renderer=renderer)  # type: ignore[arg-type]
            client = TestClient(app, client=(address, 5000), raise_server_exceptions=False)
            return stack.enter_context(client)

        yield make


@pytest.fixture
def gateway_fleet(fleet: Fleet, gateway_url: str, video_bucket: str, aws: str, empty_redis: None) -> Fleet:
    """Processes over the test's own database and bucket; nothing runs yet. Redis begins empty."""
    own = own_variables(gateway_url, video_bucket, aws)
    return type(fleet)({**fleet.environment, **own}, fleet.folder)


def own_variables(database_url: str, bucket: str, aws: str) -> dict[str, str]:
    """Variables of a gateway's process beside every product's."""
    return {
        "PRODUCT": "video-gateway",
        "DATABASE_URL": database_url,
        "DATABASE_URL_DIRECT": database_url,
        "VIDEO_BUCKET": bucket,
        "SESSION_SECRET": SECRET,
        "ENABLE_AI_VIDEO": "true",
        **aws_variables(aws),
    }


def made(client: TestClient | httpx.Client, headers: dict[str, str] | None = None, **asked: object) -> str:
    """Id of a video that was just asked for."""
    answer = client.post("/api/generate", json={**ASKED, **asked}, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def ended(client: TestClient | httpx.Client, video: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """The video once it is pending no more."""
    from conftest import eventually

    def found() -> dict[str, Any] | None:
        answer = client.get(f"/api/videos/{video}", headers=headers).json()
        return answer if answer["status"] not in ("pending", "in_progress") else None

    return eventually(found)


@dataclass(frozen=True)
class GatewaySite:
    """The whole product as processes: the page's host, and the API by itself."""

    origin: str
    api: str


@pytest.fixture(scope="module")
def gateway_site(
    servers: Servers, gateway_template: str, aws: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewaySite]:
    """Gateway and page over a database and a bucket of their own."""
    from conftest import apart, fleet_over

    name, bucket = f"v_{uuid4().hex[:16]}", f"videos-{uuid4().hex[:8]}"
    apart(create_from(servers, name, gateway_template))
    boto3.client("s3", endpoint_url=aws, **AWS_KEYS).create_bucket(Bucket=bucket)
    url = servers.database_url(name)
    fleet = fleet_over(url, url, servers.redis_url, tmp_path_factory.mktemp("gateway"))
    fleet.environment.update(own_variables(url, bucket, aws))
    with (
        fleet.process("videos", "serve", "--role", "videos") as (_, api),
        fleet.process("page", "serve", "--role", "videos-page") as (_, page),
        one_origin(api, page) as origin,
    ):
        yield GatewaySite(origin, api)
