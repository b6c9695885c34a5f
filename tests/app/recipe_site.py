"""The product recipe-app for the tests: a migrated database of its own, buckets, the API, and its processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
import pytest
import redis
from dashboard_site import create_from
from one_origin import one_origin
from starlette.testclient import TestClient

from app.access.tiers import Tier
from app.migrate import migrate
from app.queue_names import Queue
from app.recipe_app.application import create
from app.recipe_app.history import HISTORY
from app.recipe_app.settings import RecipeTaskSettings

if TYPE_CHECKING:
    from conftest import Fleet, Servers

from app.recipe_app.settings import RecipeSettings

MakeRecipes = Callable[..., TestClient]
TEMPLATE = "recipe_template"
AWS_KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
ADMIN = "administrators-token"
SECRET = "s" * 40


@pytest.fixture(scope="session")
def recipe_template(servers: Servers) -> str:
    """Name of a migrated database that others are copied from."""
    from conftest import apart

    url = servers.database_url(TEMPLATE)
    apart(create_from(servers, TEMPLATE, "template0"))
    apart(migrate(RecipeTaskSettings(database_url_direct=url), history=HISTORY))  # type: ignore[call-arg]
    return TEMPLATE


@pytest.fixture
def recipe_url(servers: Servers, recipe_template: str) -> str:
    """A migrated database that only this test uses."""
    from conftest import apart

    name = f"r_{uuid4().hex[:16]}"
    apart(create_from(servers, name, recipe_template))
    return servers.database_url(name)


@pytest.fixture
def recipe_settings(servers: Servers, recipe_url: str) -> Callable[..., RecipeSettings]:
    """Settings over the test's own database; keyword arguments replace values."""

    def make(**values: object) -> RecipeSettings:
        base: dict[str, object] = {
            "database_url": recipe_url,
            "redis_url": servers.redis_url,
            "rate_limit_enabled": False,
            "database_pool_size": 5,
        }
        return RecipeSettings(**{**base, **values})  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_recipes(servers: Servers, recipe_settings: Callable[..., RecipeSettings]) -> Iterator[MakeRecipes]:
    """The API in this process; keyword arguments replace settings. Redis begins empty."""
    redis.Redis.from_url(servers.redis_url).flushall()
    with ExitStack() as stack:

        def make(address: str = "203.0.113.9", **values: object) -> TestClient:
            app = create(recipe_settings(**values))
            client = TestClient(app, client=(address, 5000), raise_server_exceptions=False)
            return stack.enter_context(client)

        yield make


@pytest.fixture
def recipes_api(make_recipes: MakeRecipes) -> TestClient:
    """The API with default settings."""
    return make_recipes()


@pytest.fixture
def make_worker(recipe_settings: Callable[..., RecipeSettings]) -> Iterator[MakeRecipes]:
    """A worker of a queue in this process, until the end of the test; keyword arguments replace settings."""
    quick = {"job_lease_seconds": 2, "job_sweep_seconds": 1, "job_retry_base_seconds": 0.1, "grace_seconds": 6}
    with ExitStack() as stack:

        def make(queue: Queue = Queue.TEXTS, **values: object) -> TestClient:
            app = create(recipe_settings(**{**quick, **values}), queue)
            return stack.enter_context(TestClient(app, raise_server_exceptions=False))

        yield make


@pytest.fixture
def video_bucket(aws: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket of this test, which this process and its children may use."""
    for name, value in aws_variables(aws).items():
        monkeypatch.setenv(name, value)
    bucket = f"videos-{uuid4().hex[:8]}"
    boto3.client("s3", endpoint_url=aws, **AWS_KEYS).create_bucket(Bucket=bucket)
    return bucket


def aws_variables(aws: str) -> dict[str, str]:
    """Variables by which a process finds the AWS of the tests."""
    return {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": aws}


def key_of(client: TestClient, name: str) -> dict[str, str]:
    """Headers of a new key of a client."""
    services = client.app.state.services  # type: ignore[attr-defined]
    assert client.portal is not None
    _, secret = client.portal.call(lambda: services.keys.create(name, "", Tier.BUSINESS))
    return {"X-API-Key": secret}


@dataclass(frozen=True)
class StandingSite:
    """The whole product as processes that several tests of a module share: the page's host, and the API by itself."""

    origin: str
    api: str
    bucket: str


@pytest.fixture(scope="module")
def standing_site(
    servers: Servers, recipe_template: str, aws: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StandingSite]:
    """API, page and both workers over a database and a bucket of their own."""
    from conftest import apart, fleet_over

    name, bucket = f"r_{uuid4().hex[:16]}", f"videos-{uuid4().hex[:8]}"
    apart(create_from(servers, name, recipe_template))
    boto3.client("s3", endpoint_url=aws, **AWS_KEYS).create_bucket(Bucket=bucket)
    url = servers.database_url(name)
    fleet = fleet_over(url, url, servers.redis_url, tmp_path_factory.mktemp("recipes"))
    own = {"PRODUCT": "recipe-app", "VIDEO_BUCKET": bucket, "SESSION_SECRET": SECRET, **aws_variables(aws)}
    fleet.environment.update(own)
    with (
        fleet.process("recipes", "serve", "--role", "recipes") as (_, api),
        fleet.process("page", "serve", "--role", "recipes-page") as (_, page),
        fleet.process("writer", "worker", "--queue", "ai_generation"),
        fleet.process("renderer", "worker", "--queue", "video_generation"),
        one_origin(api, page) as origin,
    ):
        yield StandingSite(origin, api, bucket)


@pytest.fixture
def recipe_fleet(fleet: Fleet, recipe_url: str, empty_redis: None) -> Fleet:
    """Processes over the test's own database; nothing runs yet. Redis begins empty."""
    own = {"DATABASE_URL": recipe_url, "DATABASE_URL_DIRECT": recipe_url, "PRODUCT": "recipe-app"}
    return type(fleet)({**fleet.environment, **own}, fleet.folder)


@pytest.fixture
def film_fleet(recipe_fleet: Fleet, video_bucket: str, aws: str) -> Fleet:
    """The same with a bucket of videos and a secret for their addresses."""
    own = {"VIDEO_BUCKET": video_bucket, "SESSION_SECRET": SECRET, **aws_variables(aws)}
    return type(recipe_fleet)({**recipe_fleet.environment, **own}, recipe_fleet.folder)
