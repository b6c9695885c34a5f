"""Variables from the program to the application: every setting, or it is left alone for a reason; keys to whom they
serve.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pytest

from app.process_settings import ProcessSettings
from app.settings import Settings
from infra.settings.edge import RateSettings
from infra.settings.errors import SettingsError
from infra.settings.monitoring import LogLevel, TelemetrySettings
from infra.settings.services import ServiceSettings
from ops.stack_files import read
from stacks.plan import plan
from stacks.specs.workload import STOP
from stacks.stack_files import parse
from stacks.validation import require_valid
from tests.unit.engine import Declared, Json, RecordingEngine
from tests.unit.program import ROOT, Declare, declared

KEYS: Final = {
    f"{name}{suffix}"
    for name in ("admin_token", "session_secret", "webhook_secret")
    for suffix in ("", "_before", "_next")
}
STATED_BY_DEFAULT: Final = "the application's default is the documents' value"
LEFT_ALONE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "version": "the image carries its own (Dockerfile)",
        "redis_cluster": "told where the cache is a cluster (R02); this product's has one shard",
        "pg_bin": "the image carries its own (Dockerfile)",
        "host": "a pod listens on all of its addresses, which is the default",
        "proxy_hops": "one gateway stands in front, which is the default",
        "security_hsts_enabled": "on; a stack that wants another value says so in its headers",
        "https_redirect_enabled": "the edge redirects (E02); behind it probes and peers ask over plain HTTP",
        "max_body_bytes": f"{STATED_BY_DEFAULT} (10M), and the edge's",
        "dev_mode": "opens what production closes: for a developer's own process",
        "request_logging_enabled": STATED_BY_DEFAULT,
        "slow_request_seconds": STATED_BY_DEFAULT,
        "sentry_dsn": "in the Secret that contentgen:telemetry names",
        "sentry_traces_sample_rate": STATED_BY_DEFAULT,
        "sentry_profiles_sample_rate": STATED_BY_DEFAULT,
        "otel_exporter_otlp_endpoint": "no collector is declared, and no way out to one is open",
        "database_pool_timeout_seconds": STATED_BY_DEFAULT,
        "database_pool_recycle_seconds": STATED_BY_DEFAULT,
        "database_statement_timeout_seconds": "a property of the queries, which are the application's",
        "migration_lock_timeout_seconds": "a property of the migrations, which are the application's",
        "redis_timeout_seconds": "how long the application waits before it goes on without",
        "worker_concurrency": "jobs at once are set while it runs (/admin/queues)",
        "job_lease_seconds": "one rule for all stacks",
        "job_max_attempts": "one rule for all stacks",
        "job_retry_base_seconds": "one rule for all stacks",
        "job_expiry_seconds": "one rule for all stacks",
        "job_sweep_seconds": "one rule for all stacks",
        "session_seconds": STATED_BY_DEFAULT,
        "stripe_api_url": "this product takes no payments",
        "writes_itself": "im writes",
        "rate_limit_enabled": STATED_BY_DEFAULT,
        "rate_limit_per_minute": f"{STATED_BY_DEFAULT} unless contentgen:rates states another",
        "rate_limit_per_hour": f"{STATED_BY_DEFAULT} unless contentgen:rates states another",
        "rate_limit_generate_per_minute": f"{STATED_BY_DEFAULT} unless contentgen:rates states another",
        "requests_noted": "production keeps its instances",
        "cache_local_seconds": STATED_BY_DEFAULT,
        "cache_seconds": STATED_BY_DEFAULT,
        "allow_embedded_writer": "only the embedded cloud allows it; a stack of people names a provider",
        **{
            f"{name}_api_key": "in the Secret that contentgen:writers names"
            for name in ("openai", "anthropic", "gemini")
        },
        **{f"{name}_base_url": "the provider's own address" for name in ("openai", "anthropic", "gemini")},
        **{
            name: "one rule for all stacks"
            for name in Settings.model_fields
            if name.startswith("llm_") and name not in ("llm_providers", "llm_batch_enabled")
        },
    }
)
"""Settings of the application that no stack sets, each with why."""


def files(engine: RecordingEngine) -> dict[str, set[str]]:
    """The keys of each Secret that our own processes mount, by the Secret's name in a manifest."""
    return {f"{one.name}-abc123": set(strings(one.at("stringData"))) for one in engine.of("core/v1:Secret")}


def strings(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def mounted(one: Declared) -> set[str]:
    """Names of the Secrets in a Deployment's folder of secrets."""
    volumes = one.at("spec", "template", "spec", "volumes")
    assert isinstance(volumes, list)
    found = [strings(volume) for volume in volumes]
    sources = [source for volume in found for source in strings(volume.get("projected")).get("sources", [])]  # type: ignore[union-attr]
    return {str(strings(strings(source)["secret"])["name"]) for source in sources}


def told(engine: RecordingEngine) -> set[str]:
    """Every setting that reaches some process of the stack, as a variable or as a file."""
    variables = {key.lower() for one in engine.of("ConfigMap") for key in strings(one.at("data"))}
    for kind, path in (("Deployment", ()), ("CronJob", ("spec", "jobTemplate")), (":Job", ())):
        for one in engine.of(kind):
            containers = one.at(*path, "spec", "template", "spec", "containers")
            assert isinstance(containers, list)
            for container in containers:
                variables |= {str(strings(entry)["name"]).lower() for entry in strings(container).get("env", [])}  # type: ignore[union-attr]
    return variables | {key for keys in files(engine).values() for key in keys}


def config(engine: RecordingEngine, service: str) -> Mapping[str, Json]:
    return next(strings(one.at("data")) for one in engine.of("ConfigMap") if one.name.endswith(f"-{service}-config"))


OF_COMMANDS = frozenset({"product"})
"""Variables that choose the settings, so commands read them before any."""


def deployment(engine: RecordingEngine, service: str) -> Declared:
    return next(one for one in engine.of("Deployment") if one.at("metadata", "name") == service)


def test_every_setting_of_the_application_is_told_or_left_alone_for_a_reason(declare: Declare) -> None:
    known = set(Settings.model_fields)
    settings = told(declare("prod"))
    assert known - settings - set(LEFT_ALONE) == set(), "neither told nor on the list"
    assert settings & set(LEFT_ALONE) == set(), "on the list and told"
    assert set(LEFT_ALONE) <= known, "on the list and no setting any more"


@pytest.mark.requirement("X01")
def test_only_who_admits_people_has_the_keys_and_the_page_has_no_secret_at_all(each: RecordingEngine) -> None:
    contents = files(each)
    for service in ("cpm", "im", "worker", "frontend"):
        keys = {key for name in mounted(deployment(each, service)) for key in contents.get(name, set())}
        assert (keys >= KEYS) == (service == "cpm")
        assert bool(keys) == (service != "frontend")
    assert "SECRETS_DIR" not in str(deployment(each, "frontend").inputs)


@pytest.mark.requirement("E03")
def test_keys_are_asked_for_in_staging_and_production(declare: Declare) -> None:
    asked = {stack: config(declare(stack), "cpm")["API_KEY_REQUIRED"] for stack in ("local", "dev", "staging", "prod")}
    assert asked == {"local": "false", "dev": "false", "staging": "true", "prod": "true"}


@pytest.mark.requirement("E03")
@pytest.mark.requirement("E12")
def test_the_keys_are_made_once_recorded_in_every_region_and_told_to_nobody(declare: Declare) -> None:
    prod = declare("prod")
    made = [one for one in prod.of("RandomPassword") if "-keys-" in one.name]
    assert len(made) == len(KEYS)
    values: dict[str, set[str]] = {key: set() for key in KEYS}
    for one in [found for found in prod.of("core/v1:Secret") if found.name.endswith("-secrets-keys")]:
        assert "canary" not in json.dumps(one.visible)
        for key, value in strings(one.at("stringData")).items():
            values[key].add(str(value))
    assert all(len(found) == 1 for found in values.values()), "one value for all regions"
    assert len({value for found in values.values() for value in found}) == len(KEYS), "and each another"
    for version in prod.of("SecretVersion"):
        assert set(json.loads(str(version.at("secretString")))) >= KEYS
        assert version.visible["secretString"] == "[secret]"


@pytest.mark.requirement("X02")
def test_a_rotation_changes_which_key_is_used_and_no_value(declare: Declare) -> None:
    def used(generation: int, retired: int) -> dict[str, Json]:
        settings = read(ROOT, "dev")
        secrets = settings.secrets.model_copy(update={"generation": generation, "retired": retired})
        engine = declared("dev", settings.model_copy(update={"secrets": secrets}))
        return dict(strings(engine.one("core/v1:Secret", "-secrets-keys").at("stringData")))

    before, after = used(1, 0), used(2, 0)
    for name in ("admin_token", "session_secret", "webhook_secret"):
        assert (before[name], before[f"{name}_next"]) == (after[f"{name}_before"], after[name])


@pytest.mark.requirement("E05")
def test_a_stack_states_the_documents_sixty_requests_and_ten_texts_a_minute_to_who_admits_people() -> None:
    settings = read(ROOT, "dev")
    stated = RateSettings(requests_per_minute=60, requests_per_hour=3600, generations_per_minute=10)
    engine = declared("dev", settings.model_copy(update={"rates": stated}))
    limits = {key: value for key, value in config(engine, "cpm").items() if key.startswith("RATE_LIMIT_")}
    assert limits == {
        "RATE_LIMIT_PER_MINUTE": "60",
        "RATE_LIMIT_PER_HOUR": "3600",
        "RATE_LIMIT_GENERATE_PER_MINUTE": "10",
    }
    assert "RATE_LIMIT_PER_MINUTE" not in config(engine, "im")
    with pytest.raises(SettingsError, match=r"rates\.requests_per_minute"):
        parse("dev", {"rates": {"requests_per_minute": 0}})


@pytest.mark.requirement("E09")
def test_the_documents_pools_fit_a_small_stack_and_reach_its_pods_by_a_rollout() -> None:
    pools = {name: ServiceSettings(pool=10, overflow=20) for name in ("cpm", "im", "worker")}
    settings = read(ROOT, "local").model_copy(update={"services": pools})
    require_valid(plan("local", settings), embedded=True)
    engine = declared("local", settings)
    for service in pools:
        assert config(engine, service)["DATABASE_POOL_SIZE"] == "10"
        assert config(engine, service)["DATABASE_MAX_OVERFLOW"] == "20"
        made = next(one for one in engine.of("ConfigMap") if one.name.endswith(f"-{service}-config"))
        # What is immutable and has no name of its own is replaced under another name, which the pods then refer to.
        assert (made.at("immutable"), made.at("metadata", "name")) == (True, None)
        containers = deployment(engine, service).at("spec", "template", "spec", "containers")
        assert f"'configMapRef': {{'name': '{made.name}-abc123'}}" in str(containers)


@pytest.mark.requirement("E09")
def test_the_service_goes_through_the_pooler_and_migrations_have_the_server_itself(declare: Declare) -> None:
    engine = declare("prod")
    for one in engine.of("core/v1:Secret"):
        keys = strings(one.at("stringData"))
        if "DATABASE_URL_DIRECT".lower() in {key.lower() for key in keys}:
            pooled, direct = (str(keys[name]) for name in ("database_url", "database_url_direct"))
            assert "pgbouncer" in pooled
            assert "pgbouncer" not in direct


@pytest.mark.requirement("G01")
def test_every_region_knows_where_the_others_answer(declare: Declare) -> None:
    prod = declare("prod")
    found = {
        one.name.removeprefix("prod-").removesuffix("-cpm-config"): json.loads(str(one.at("data", "REGION_URLS")))
        for one in prod.of("ConfigMap")
        if one.name.endswith("-cpm-config")
    }
    assert set(found) == {"us-east-1", "eu-west-1", "ap-southeast-1"}
    for region, others in found.items():
        assert others == {other: f"https://edge-{other}.contentgen.example.com" for other in found if other != region}
    assert json.loads(str(config(declare("dev"), "cpm")["REGION_URLS"])) == {}


@pytest.mark.requirement("B04")
def test_where_there_is_an_error_tracker_every_service_knows_it_and_may_reach_it() -> None:
    def reporting(secret: str | None) -> RecordingEngine:
        settings = read(ROOT, "staging")
        telemetry = TelemetrySettings(secret=secret, log_level=LogLevel.WARNING)
        return declared("staging", settings.model_copy(update={"telemetry": telemetry}))

    told_of, alone = reporting("tracker"), reporting(None)
    for service in ("cpm", "im", "worker", "frontend"):
        assert "tracker" in mounted(deployment(told_of, service))
        assert "tracker" not in mounted(deployment(alone, service))
        assert config(told_of, service)["LOG_LEVEL"] == "WARNING"
        assert "0.0.0.0/0" in str(policy(told_of, service).inputs)
    assert "0.0.0.0/0" not in str(policy(alone, "frontend").inputs)


def policy(engine: RecordingEngine, service: str) -> Declared:
    return next(one for one in engine.of("NetworkPolicy") if one.at("metadata", "name") == service)


def test_an_instance_has_time_to_turn_away_to_drain_and_to_finish(each: RecordingEngine) -> None:
    for service in ("cpm", "im", "worker", "frontend"):
        one = deployment(each, service)
        grace = one.at("spec", "template", "spec", "terminationGracePeriodSeconds")
        sleep = one.at("spec", "template", "spec", "containers", 0, "lifecycle", "preStop", "sleep", "seconds")
        assert grace == STOP.grace == 60
        drain, finish = (int(str(config(each, service)[name])) for name in ("DRAIN_SECONDS", "GRACE_SECONDS"))
        assert drain > 0
        assert int(str(sleep)) + drain + finish < int(str(grace))


@pytest.mark.parametrize("service", ["cpm", "frontend"])
def test_the_public_names_are_the_only_hosts_that_are_answered_outside_local(declare: Declare, service: str) -> None:
    domain = "contentgen.example.com"
    names = set(str(config(declare("prod"), service)["ALLOWED_HOSTS"]).split(","))
    own = {name for name in names if name.startswith("edge-")}
    assert len(own) == 1
    assert names - own == {domain, f"api.{domain}", service, "localhost", "127.0.0.1"}
    assert str(config(declare("local"), service)["ALLOWED_HOSTS"]) == "*"


def test_the_front_end_understands_everything_it_is_told(each: RecordingEngine) -> None:
    given = {key.lower() for key in config(each, "frontend")} - OF_COMMANDS
    assert given <= set(ProcessSettings.model_fields)


@pytest.mark.requirement("X02")
def test_what_answers_requests_has_the_services_login_and_jobs_alone_have_the_owners(each: RecordingEngine) -> None:
    secrets = {f"{one.name}-abc123": strings(one.at("stringData")) for one in each.of("core/v1:Secret")}
    for service in ("cpm", "im", "worker"):
        for name in mounted(deployment(each, service)):
            assert "contentgen_owner" not in str(secrets.get(name, {})), service
            assert not {"database_admin_url", "database_owner_logins"} & set(secrets.get(name, {}))
    for job in each.of("CronJob"):
        volumes = job.at("spec", "jobTemplate", "spec", "template", "spec", "volumes")
        assert isinstance(volumes, list)
        (name,) = (str(strings(strings(one)["secret"])["secretName"]) for one in volumes if "secret" in strings(one))
        address = str(secrets[name]["database_url_direct"])
        assert re.match(r"postgresql://contentgen_owner_[ab]:", address), job.name
        assert ("database_admin_url" in secrets[name]) == (job.at("metadata", "name") == "restore-check"), job.name
