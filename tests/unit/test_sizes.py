"""The ladders of the stores' sizes: one setting is one step, and who tells of the need names it (P03, R03)."""

from __future__ import annotations

import pytest

from infra.catalog.sizes import DATABASE_LADDER, REDIS_LADDER, DatabaseSize, RedisSize, one_up
from infra.settings.environment import Environment
from infra.settings.errors import SettingsError
from infra.settings.stack import StackSettings
from ops.cost.book import load
from policies.rules.cost import SIZES
from stacks.plan import plan
from stacks.specs.resources import millicores
from stacks.stack_files import parse
from tests.unit.engine import Declared, RecordingEngine
from tests.unit.program import declared

REGION = "us-east-1"


def settings(environment: Environment, **values: object) -> StackSettings:
    return parse(environment, {"environment": environment, "domain": "example.com", "regions": [REGION], **values})


def sized(environment: Environment, *, database: str = "", redis: str = "") -> StackSettings:
    """Both stores at a size, so that one stack serves two tests; never both at the same step, so that neither setting
    is taken for the other.
    """
    steps = list(zip(DatabaseSize, [*REDIS_LADDER][1:] + [*REDIS_LADDER][:1], strict=True))
    ((of_database, of_redis),) = [pair for pair in steps if database == pair[0] or redis == pair[1]]
    replicas = {"read_replicas": 2} if environment is Environment.PROD else {}
    return settings(environment, postgres={"size": of_database, **replicas}, redis={"size": of_redis})


def container(one: Declared) -> tuple[object, object, object]:
    """CPU and memory limits of a store's server, and its command line."""
    path = ("spec", "template", "spec", "containers", 0)
    return *(one.at(*path, "resources", "limits", what) for what in ("cpu", "memory")), one.at(*path, "args")  # type: ignore[return-value]


def alarms(engine: RecordingEngine, metric: str) -> list[Declared]:
    return [one for one in engine.of("MetricAlarm") if one.at("metricName") == metric]


def test_every_step_up_is_larger_and_the_last_has_none() -> None:
    database = [(rung.cores, rung.memory_gb) for rung in DATABASE_LADDER.values()]
    redis = [rung.memory_mb for rung in REDIS_LADDER.values()]
    assert database == sorted(database) and redis == sorted(redis)
    assert list(DATABASE_LADDER) == list(DatabaseSize) and list(REDIS_LADDER) == list(RedisSize)
    assert one_up(DATABASE_LADDER, DatabaseSize.TWO_EIGHT) is DatabaseSize.FOUR_EIGHT
    assert one_up(DATABASE_LADDER, DatabaseSize.FOUR_EIGHT) is None


@pytest.mark.requirement("P03")
@pytest.mark.parametrize(
    ("size", "limits", "buffers"),
    [
        ("2cpu-4gb", ("2000m", "4Gi"), "1GB"),
        ("2cpu-8gb", ("2000m", "8Gi"), "2GB"),
        ("4cpu-8gb", ("4000m", "8Gi"), "2GB"),
    ],
)
def test_one_setting_moves_a_database_in_the_cluster(size: str, limits: tuple[str, str], buffers: str) -> None:
    engine = declared("dev", sized(Environment.DEV, database=size))
    cpu, memory, arguments = container(engine.one("StatefulSet", "postgres-server"))
    assert (cpu, memory) == limits
    assert isinstance(arguments, list)
    assert f"shared_buffers={buffers}" in arguments


@pytest.mark.requirement("P03")
def test_the_namespaces_quota_moves_with_the_database_in_it() -> None:
    hard = [
        declared("dev", settings(Environment.DEV, postgres={"size": size})).one("ResourceQuota").at("spec", "hard")
        for size in ("2cpu-8gb", "4cpu-8gb")
    ]
    cores = [millicores(str(one["limits.cpu"])) for one in hard if isinstance(one, dict)]
    assert cores[1] - cores[0] == 2000


@pytest.mark.requirement("P03")
@pytest.mark.parametrize(
    ("size", "class_", "buffers"),
    [
        ("2cpu-4gb", "db.t4g.medium", 131072),
        ("2cpu-8gb", "db.t4g.large", 262144),
        ("4cpu-8gb", "db.t4g.xlarge", 262144),
    ],
)
def test_the_same_setting_moves_a_managed_database_with_its_two_replicas(size: str, class_: str, buffers: int) -> None:
    engine = declared("prod", sized(Environment.PROD, database=size))
    instances = engine.of("rds/instance:Instance")
    assert [one.at("instanceClass") for one in instances] == [class_] * 3
    parameters = engine.one("rds/parameterGroup:ParameterGroup").at("parameters")
    assert isinstance(parameters, list)
    found = {one["name"]: one["value"] for one in parameters if isinstance(one, dict)}
    assert (found["shared_buffers"], found["effective_cache_size"]) == (str(buffers), str(buffers * 3))


@pytest.mark.requirement("P03")
def test_more_than_80_connections_of_any_instance_are_told_with_the_setting_and_the_next_size() -> None:
    engine = declared(
        "prod", settings(Environment.PROD, postgres={"read_replicas": 2}, alerts={"notify": ["a@example.com"]})
    )
    found = alarms(engine, "DatabaseConnections")
    assert len({str(one.at("dimensions", "DBInstanceIdentifier")) for one in found}) == 3
    topics = {str(one.at("arn")) for one in engine.of("sns/topicPolicy:TopicPolicy") if "store-alarms" in one.name}
    for one in found:
        assert (one.at("threshold"), one.at("comparisonOperator")) == (80, "GreaterThanThreshold")
        assert (one.at("period"), one.at("evaluationPeriods")) == (60, 5)
        assert (
            str(one.at("alarmDescription")).split("; ")[1] == "set contentgen:postgres.size from 2cpu-8gb to 4cpu-8gb"
        )
        assert {str(one.at("alarmActions", 0))} == topics
    mails = [one.at("endpoint") for one in engine.of("TopicSubscription") if "store-alarms" in one.name]
    assert mails == ["a@example.com"]


@pytest.mark.parametrize(
    "postgres", [{"size": "4cpu-8gb"}, {"instance_class": "db.t4g.large"}], ids=["the largest", "a class of its own"]
)
def test_a_database_without_a_next_step_is_told_what_else_there_is(postgres: dict[str, object]) -> None:
    engine = declared("staging", settings(Environment.STAGING, postgres=postgres))
    text = str(alarms(engine, "DatabaseConnections")[0].at("alarmDescription"))
    assert "set contentgen:postgres.instance_class to a larger one than db.t4g." in text


@pytest.mark.requirement("R03")
@pytest.mark.parametrize(
    ("size", "limits", "most"),
    [
        ("256mb", ("500m", "512Mi"), 256),
        ("1cpu-1gb", ("1000m", "2048Mi"), 1024),
        ("2cpu-2gb", ("2000m", "4096Mi"), 2048),
    ],
)
def test_one_setting_moves_both_redis_in_the_cluster(size: str, limits: tuple[str, str], most: int) -> None:
    engine = declared("dev", sized(Environment.DEV, redis=size))
    for role in ("cache", "queue"):
        assert container(engine.one("StatefulSet", f"redis-{role}-server"))[:2] == limits
        configuration = engine.one("core/v1:Secret", f"redis-{role}-secret").at("stringData", "redis.conf")
        assert f"maxmemory {most}mb\n" in str(configuration)


@pytest.mark.requirement("R03")
@pytest.mark.parametrize(
    ("size", "node"), [("256mb", "cache.t4g.micro"), ("1cpu-1gb", "cache.t4g.small"), ("2cpu-2gb", "cache.t4g.medium")]
)
def test_the_same_setting_moves_managed_redis(size: str, node: str) -> None:
    engine = declared("prod", sized(Environment.PROD, redis=size))
    assert {one.at("nodeType") for one in engine.of("ReplicationGroup")} == {node}


@pytest.mark.requirement("R03")
def test_more_than_75_per_cent_of_a_redis_are_told_with_the_setting_and_the_next_size() -> None:
    found = alarms(declared("staging", settings(Environment.STAGING)), "DatabaseMemoryUsagePercentage")
    assert [str(one.at("dimensions", "CacheClusterId"))[-4:] for one in found] == ["-001", "-001"]
    for one in found:
        assert (one.at("threshold"), one.at("comparisonOperator")) == (75, "GreaterThanThreshold")
        assert str(one.at("alarmDescription")).split("; ")[1] == "set contentgen:redis.size from 1cpu-1gb to 2cpu-2gb"


@pytest.mark.requirement("P03")
@pytest.mark.requirement("R03")
def test_stores_in_the_cluster_are_told_of_by_prometheus_with_the_same_words() -> None:
    rules = {rule.about: rule for rule in plan("it", settings(Environment.DEV)).alerts["stores"]}
    assert set(rules) == {"postgres", "redis-cache", "redis-queue"}
    assert "set contentgen:postgres.size from 2cpu-8gb to 4cpu-8gb" in rules["postgres"].description
    assert "set contentgen:redis.size from 256mb to 1cpu-1gb" in rules["redis-queue"].description
    assert "stores" not in plan("it", settings(Environment.PROD)).alerts


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("postgres", {"size": "2cpu-4gb", "instance_class": "db.t4g.large"}),
        ("redis", {"size": "256mb", "memory_mb": 512}),
        ("redis", {"size": "256mb", "node_type": "cache.t4g.small"}),
    ],
)
def test_a_size_beside_what_it_stands_for_is_refused(section: str, values: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="say two things"):
        settings(Environment.DEV, **{section: values})


def test_every_size_has_a_price_and_is_one_of_those_that_the_pack_knows() -> None:
    book = load()
    known = {tunable.name: tunable.default for tunable in SIZES.tunables}
    databases = [rung.instance_class for rung in DATABASE_LADDER.values()]
    caches = [rung.node_type for rung in REDIS_LADDER.values()]
    assert (known["databases"], known["caches"]) == (databases, caches)
    assert all(book.price(f"rds {one}", REGION) > 0 for one in databases)
    assert all(book.price(f"elasticache {one}", REGION) > 0 for one in caches)
