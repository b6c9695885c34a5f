"""Well-formed stack files that still cannot work, and the messages about them."""

from __future__ import annotations

import pytest

from infra.settings.errors import SettingsError
from infra.settings.stack import StackSettings
from infra.settings.stores import Backend
from ops.stack_files import read
from stacks.plan import plan
from stacks.products.content_generation.blueprint import BLUEPRINT
from stacks.products.content_generation.profiles import PROFILES
from stacks.products.content_generation.workloads import WORKER_DIRECT
from stacks.sizing.connection_budget import JOB_CONNECTIONS, RESERVED, worst_case
from stacks.specs.profile import PostgresProfile, Profile, Size
from stacks.specs.workload import Pool, Workload
from stacks.stack_files import parse
from stacks.validation import findings, require_valid
from tests.unit.program import CLUSTER, ROOT

DIGEST = "registry.acme.io/it@sha256:" + "ab" * 32
IMAGES = {"postgres": DIGEST, "redis": DIGEST, "pgbouncer": DIGEST}
CLUSTERS = {"us-east-1": CLUSTER}


def settings(environment: str = "dev", **values: object) -> StackSettings:
    least = {
        "environment": environment,
        "domain": "texts.acme.io",
        "regions": ["us-east-1"],
        "account": "123456789012",
        "image": DIGEST,
        "images": IMAGES,
        "clusters": CLUSTERS,
        "writers": {"providers": ["openai"], "secret": "keys"},
    }
    return parse("it", {**least, **values})


def told(environment: str = "dev", **values: object) -> dict[str, str]:
    """Key to what is allowed, for a real deployment."""
    wrong = findings(plan("it", settings(environment, **values)), embedded=False)
    return {one.key.removeprefix("contentgen:"): one.allowed for one in wrong}


def test_a_sound_stack_has_no_finding() -> None:
    assert told() == {}
    require_valid(plan("it", settings()), embedded=False)


def test_everything_that_cannot_work_is_told_at_once_with_the_fix() -> None:
    wrong = settings(
        image="contentgen:latest",
        clusters={},
        postgres={"read_replicas": 1, "max_connections": 20, "pooler_clients": 10},
        edge={"certificate_names": ["shop.acme.org"]},
    )
    with pytest.raises(SettingsError) as raised:
        require_valid(plan("it", wrong), embedded=False)
    message = str(raised.value)
    assert message.startswith("Pulumi.it.yaml: 8 settings are wrong, nothing was changed:")
    for key in (
        "image = 'contentgen:latest'",
        "clusters.us-east-1.context = None",
        "postgres.read_replicas = 1",
        "postgres.max_connections = 20",
        "postgres.pooler_clients = 10",
        "edge.certificate_names = 'shop.acme.org'",
    ):
        assert f"contentgen:{key}: must" in message or f"contentgen:{key}: is required" in message


@pytest.mark.parametrize("field", ["context", "oidc_provider", "pod_ranges"])
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_a_cluster_that_is_not_described_is_refused_for_a_real_deployment_only(environment: str, field: str) -> None:
    clusters = {"us-east-1": {key: value for key, value in CLUSTER.items() if key != field}}
    assert list(told(environment, clusters=clusters)) == [f"clusters.us-east-1.{field}"]
    assert findings(plan("it", settings(environment, clusters=clusters)), embedded=True) == ()


@pytest.mark.parametrize("field", ["vpc_id", "client_security_group_id", "data_ranges", "subnet_ids"])
def test_managed_stores_outside_the_clusters_network_are_refused_for_a_real_deployment_only(field: str) -> None:
    clusters = {"us-east-1": {key: value for key, value in CLUSTER.items() if key != field}}
    assert list(told("prod", clusters=clusters)) == [f"clusters.us-east-1.{field}"]
    assert told("dev", clusters=clusters) == {}
    assert findings(plan("it", settings("prod", clusters=clusters)), embedded=True) == ()


@pytest.mark.parametrize("subnets", [["subnet-12345678"], ["subnet-12345678", "subnet-12345678"]])
def test_managed_stores_in_one_subnet_are_refused(subnets: list[str]) -> None:
    clusters = {"us-east-1": {**CLUSTER, "subnet_ids": subnets}}
    assert "2 or more" in told("staging", clusters=clusters)["clusters.us-east-1.subnet_ids"]


def test_a_real_deployment_without_its_account_is_refused() -> None:
    assert "12 digits" in told(account=None)["account"]
    assert findings(plan("it", settings(account=None)), embedded=True) == ()


def test_several_regions_must_say_where_backups_are_so_that_a_new_region_does_not_move_them() -> None:
    regions = ["us-east-1", "eu-west-1"]
    clusters = dict.fromkeys(regions, CLUSTER)
    assert list(told(regions=regions, clusters=clusters)) == ["backup.region"]
    assert told(regions=regions, clusters=clusters, backup={"region": "eu-west-1"}) == {}


def test_backups_in_a_region_that_is_not_the_stacks_are_refused() -> None:
    with pytest.raises(SettingsError, match="must be one of regions"):
        settings(backup={"region": "eu-west-1"})


@pytest.mark.parametrize("image", ["contentgen:1.2", "contentgen", "contentgen:latest"])
def test_an_image_without_a_digest_is_refused_outside_local(image: str) -> None:
    assert "never by a tag" in told(image=image)["image"]
    assert told("local", image=image) == {}


@pytest.mark.requirement("E07")
@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_made_up_texts_are_refused_where_people_rely_on_them(environment: str) -> None:
    made_up = {"providers": ["embedded"]}
    assert "openai, anthropic, gemini" in told(environment, writers=made_up)["writers.providers"]
    assert told("dev", writers=made_up) == {}
    assert findings(plan("it", settings(environment, writers=made_up)), embedded=True) == ()


def test_a_provider_without_a_secret_for_its_key_is_refused() -> None:
    assert "anthropic_api_key" in told(writers={"providers": ["anthropic", "embedded"]})["writers.secret"]


def test_only_images_that_run_in_the_cluster_need_a_digest() -> None:
    by_tag = {**IMAGES, "postgres": "postgres:17", "redis": "redis:7"}
    assert set(told(images=by_tag)) == {"images.postgres", "images.redis"}
    assert told("staging", images=by_tag) == {}


def test_replicas_of_a_database_in_the_cluster_are_refused() -> None:
    assert "managed" in told(postgres={"read_replicas": 2})["postgres.read_replicas"]
    assert told(postgres={"read_replicas": 2, "backend": "managed"}) == {}


def test_replicas_of_a_redis_in_the_cluster_are_refused() -> None:
    assert "managed" in told(redis={"nodes": 2})["redis.nodes"]
    assert told(redis={"nodes": 2, "backend": "managed"}) == {}


@pytest.mark.parametrize("name", ["example.org", "nottexts.acme.io", "texts.acme.io.evil.org"])
def test_a_certificate_for_a_foreign_domain_is_refused(name: str) -> None:
    assert "texts.acme.io" in told(edge={"certificate_names": [name]})["edge.certificate_names"]


@pytest.mark.parametrize("name", ["texts.acme.io", "www.texts.acme.io", "a.b.texts.acme.io"])
def test_a_certificate_for_names_below_the_stacks_domain_is_sound(name: str) -> None:
    assert told(edge={"certificate_names": [name]}) == {}


@pytest.mark.requirement("Y03")
@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_in_every_environment_all_instances_with_full_pools_find_a_connection(profile: Profile) -> None:
    most = worst_case(BLUEPRINT.sized(profile), profile.postgres)
    assert most.pooler_fits
    assert most.server_fits


def workload(name: str, pool: Pool | None, size: Size, *, direct: int = 0) -> Workload:
    return Workload(
        name=name, arguments=(), pool=pool, memory_request="1Mi", cpu_request="1m", direct=direct, size=size
    )


@pytest.mark.requirement("Y03")
def test_the_worst_case_is_every_process_of_every_instance_with_its_overflow() -> None:
    one = workload("one", Pool(5, 3), Size(1, 10, processes=2), direct=4)
    other = workload("other", None, Size(1, 1))
    postgres = PostgresProfile(Backend.MANAGED, poolers=2, pooler_size=25)
    most = worst_case((one, other), postgres)
    assert most.pooler_clients == 10 * 2 * 8
    assert most.server == 2 * 25 + 10 * 2 * 4 + JOB_CONNECTIONS + RESERVED


@pytest.mark.requirement("Y03")
def test_production_needs_150_of_the_poolers_200_and_no_more_of_the_servers_200_than_it_has() -> None:
    prod = PROFILES[settings("prod").environment]
    most = worst_case(BLUEPRINT.sized(prod), prod.postgres)
    assert (most.pooler_clients, most.pooler_accepts) == (10 * 10 + 5 * 4 + 5 * 6, 200)
    assert (most.server, most.server_accepts) == (2 * 25 + 5 * WORKER_DIRECT + JOB_CONNECTIONS + RESERVED, 200)


@pytest.mark.requirement("Y03")
@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"services": {"cpm": {"processes": 2}}}, "postgres.pooler_clients"),
        ({"services": {"cpm": {"pool": 50}}}, "postgres.pooler_clients"),
        ({"services": {"cpm": {"overflow": 20}}}, "postgres.pooler_clients"),
        ({"postgres": {"pooler_clients": 149}}, "postgres.pooler_clients"),
        ({"postgres": {"pooler_size": 90}}, "postgres.max_connections"),
        ({"postgres": {"max_connections": 84}}, "postgres.max_connections"),
    ],
)
def test_connections_that_do_not_fit_are_refused_with_the_least_that_does(values: dict[str, object], key: str) -> None:
    assert list(told("prod", **values)) == [key]


@pytest.mark.requirement("K18")
@pytest.mark.parametrize(("tier", "memory"), [("standard", "512Mi"), ("pro", "1Gi"), ("premium", "2Gi")])
def test_a_tier_is_memory_by_name(tier: str, memory: str) -> None:
    assert plan("it", settings(services={"cpm": {"tier": tier}})).profile.services["cpm"].memory == memory


def test_a_tier_and_memory_at_once_are_refused() -> None:
    with pytest.raises(SettingsError, match="say the same thing twice"):
        settings(services={"cpm": {"tier": "pro", "memory": "1Gi"}})


@pytest.mark.requirement("S06")
@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"domain": "contentgen.example.com"}, "domain"),
        ({"domain": "shop.test"}, "domain"),
        ({"image": "registry.acme.io/contentgen@sha256:" + 64 * "0"}, "image"),
        ({"image": DIGEST.replace("acme.io", "example.com")}, "image"),
        ({"images": {**IMAGES, "pgbouncer": "registry.acme.io/pgbouncer@sha256:" + 64 * "0"}}, "images.pgbouncer"),
        ({"budget": {"notify": ["finance@example.com"]}}, "budget.notify"),
        ({"backup": {"notify": ["platform@example.org"]}}, "backup.notify"),
        ({"alerts": {"notify": ["platform@mail.invalid"]}}, "alerts.notify"),
        ({"edge": {"certificate_email": "platform@example.net"}}, "edge.certificate_email"),
    ],
)
def test_an_examples_value_is_refused_for_a_real_deployment_only(values: dict[str, object], key: str) -> None:
    assert list(told(**values)) == [key]
    assert findings(plan("it", settings(**values)), embedded=True) == ()


@pytest.mark.parametrize("domain", ["myexample.com", "test.acme.io", "example.acme.io", "contest.io"])
def test_a_domain_that_only_looks_like_an_examples_is_taken(domain: str) -> None:
    assert told(domain=domain) == {}


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_the_shipped_stacks_say_by_name_what_has_to_be_filled_in(stack: str) -> None:
    keys = {one.key.removeprefix("contentgen:") for one in findings(plan("it", read(ROOT, stack)), embedded=False)}
    assert {"domain", "image", "images.pgbouncer"} <= keys


def test_a_managed_database_has_the_least_storage_that_aws_takes() -> None:
    managed = {"backend": "managed", "storage_gb": 19}
    assert "at least 20" in told("staging", postgres=managed)["postgres.storage_gb"]
    assert told("staging", postgres={**managed, "storage_gb": 20}) == {}
    assert told(postgres={"storage_gb": 19}) == {}


def test_a_header_that_nginx_would_read_as_a_variable_is_refused_there_only() -> None:
    own = {"X-Price": "5 $"}
    assert "without $" in told(headers=own, edge={"kind": "ingress"})["headers.X-Price"]
    assert told(headers=own) == {}


@pytest.mark.parametrize(
    ("service", "key", "allowed"),
    [
        ({"cpu": "249m"}, "services.cpm.cpu", "at least 250m"),
        ({"cpu": "5"}, "services.cpm.cpu", "at most 4"),
        ({"memory": "255Mi"}, "services.cpm.memory", "at least 256Mi"),
    ],
)
def test_a_limit_that_the_cluster_refuses_or_cannot_give_is_refused(
    service: dict[str, object], key: str, allowed: str
) -> None:
    assert allowed in told(services={"cpm": service})[key]


@pytest.mark.parametrize("service", [{"cpu": "250m"}, {"cpu": "4"}, {"memory": "256Mi"}])
def test_a_limit_at_what_an_instance_asks_for_or_a_node_has_is_sound(service: dict[str, object]) -> None:
    assert told(services={"cpm": service}) == {}
