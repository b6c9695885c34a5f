"""The local stack from nothing to nothing, by the real engine, in the order a person would live it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
import yaml

from infra.catalog.headers import SECURITY_HEADERS
from localcloud.engine import EngineError
from localcloud.servers import free_port
from tests.engine.conftest import TRAPS, fingerprint
from tests.engine.releasing import Repository
from tests.engine.traffic import steady_traffic, unfinished
from tests.engine.world import World, finished_job, summary

HERE = Path(__file__).resolve().parent


@pytest.mark.requirement("S01")
def test_up_ends_with_what_runs_where_and_what_to_try(up: str, url: str) -> None:
    assert "Loading policy packs...: done" in up
    assert url in up
    assert "/generate" in up and "/status/" in up and "make down" in up
    assert f"{url}/    the page" in up
    assert "stand-in of localcloud" in up


@pytest.mark.requirement("A04")
def test_a_posted_topic_is_a_finished_text_within_five_seconds(url: str) -> None:
    status = finished_job(url, seconds=5)
    assert status["status"] == "completed", status
    text = json.dumps(status["result"])
    assert "rooftop gardens" in text.lower()
    assert "bees" in text and "water" in text


@pytest.mark.requirement("Y01")
@pytest.mark.parametrize(("path", "code"), [("/health", 200), ("/status/none", 404), ("/generate", 405)])
def test_every_answer_through_the_edge_carries_the_security_headers(url: str, path: str, code: int) -> None:
    answer = httpx.get(url + path)
    assert answer.status_code == code
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers.get_list(name) == [value]


@pytest.mark.requirement("A03")
@pytest.mark.requirement("K01")
@pytest.mark.parametrize("host", ["contentgen.example.com", "127.0.0.1"])
def test_the_domain_shows_the_page_with_files_that_are_kept_and_calls_on_the_same_origin(url: str, host: str) -> None:
    with httpx.Client(base_url=url, headers={"Host": host}) as client:
        page = client.get("/")
        assert page.status_code == 200
        assert "<title>Content generation</title>" in page.text
        script = next(part.partition('"')[0] for part in page.text.split('src="')[1:])
        assert "immutable" in client.get(script).headers["cache-control"]
        assert client.get("/api/health").json()["services"] == {"api": "up", "database": "up"}
        assert client.get("/generate").status_code == 405


def test_the_apis_own_name_shows_no_page_and_administration_is_closed(url: str) -> None:
    with httpx.Client(base_url=url, headers={"Host": "api.contentgen.example.com"}) as client:
        assert client.get("/ready").status_code == 200
        assert client.get("/").status_code == 404
        assert client.get("/admin/queue").status_code == 404


def test_metrics_are_not_reachable_through_the_edge(url: str) -> None:
    assert httpx.get(f"{url}/metrics").status_code == 404


@pytest.mark.requirement("S01")
def test_a_second_up_changes_nothing(world: World, url: str) -> None:
    done = world.command("up", "--stack", "local")
    assert done.returncode == 0, done.stdout[-4000:]
    assert summary(done.stdout).endswith("unchanged")
    assert len(summary(done.stdout).splitlines()) == 1


@pytest.mark.requirement("S07")
@pytest.mark.requirement("W04")
def test_the_bucket_that_aws_holds_is_the_bucket_that_was_declared(world: World, url: str) -> None:
    storage = world.aws("local", "s3")
    [bucket] = [one["Name"] for one in storage.list_buckets()["Buckets"] if "backup" in one["Name"]]
    rule = storage.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert storage.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert all(storage.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    rules = {one["ID"]: one for one in storage.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]}
    assert rules["expire-db"]["Expiration"]["Days"] == 30
    assert rules["expire-wal"]["Expiration"]["Days"] == 7
    assert "aws:SecureTransport" in storage.get_bucket_policy(Bucket=bucket)["Policy"]


@pytest.mark.requirement("S07")
@pytest.mark.requirement("M01")
def test_the_budget_that_aws_holds_is_the_budget_that_was_declared(world: World, url: str) -> None:
    client = world.aws("local", "budgets")
    [budget] = client.describe_budgets(AccountId="123456789012")["Budgets"]
    assert float(budget["BudgetLimit"]["Amount"]) == 300
    assert budget["TimeUnit"] == "MONTHLY"
    notices = client.describe_notifications_for_budget(AccountId="123456789012", BudgetName=budget["BudgetName"])
    found = {(one["NotificationType"], one["Threshold"]) for one in notices["Notifications"]}
    assert found == {("ACTUAL", 80.0), ("ACTUAL", 100.0), ("FORECASTED", 100.0)}


@pytest.mark.requirement("S07")
def test_the_records_and_health_checks_that_aws_holds_were_declared(world: World, url: str) -> None:
    client = world.aws("local", "route53")
    [check] = client.list_health_checks()["HealthChecks"]
    assert check["HealthCheckConfig"]["ResourcePath"] == "/ready"
    assert check["HealthCheckConfig"]["RequestInterval"] == 30
    [zone] = client.list_hosted_zones()["HostedZones"]
    records = client.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    names = {one["Name"].rstrip(".") for one in records if one["Type"] == "CNAME"}
    assert names == {"api.contentgen.example.com", "us-east-1.api.contentgen.example.com"}


def test_a_refresh_finds_no_drift(world: World, url: str) -> None:
    engine = world.engine("local")
    output = engine.quietly("refresh", "--preview-only", "--stack", "local")
    assert summary(output).endswith("unchanged")
    assert len(summary(output).splitlines()) == 1


@pytest.mark.requirement("K06")
def test_a_replica_count_set_by_the_autoscaler_survives_an_up(world: World, url: str) -> None:
    world.kubectl("local", "-n", "contentgen", "scale", "deployment/im", "--replicas=2")
    done = world.command("up", "--stack", "local")
    assert summary(done.stdout).endswith("unchanged"), done.stdout[-2000:]
    found = world.kubectl("local", "-n", "contentgen", "get", "deployment/im", "-o", "jsonpath={.spec.replicas}")
    assert found == "2"


def test_a_preview_shows_a_change_and_makes_none(world: World, url: str) -> None:
    engine = world.engine("local")
    original = engine.stack_file.read_text()
    config = yaml.safe_load(original)
    config["config"]["contentgen:budget"] = {"monthly_usd": 77}
    engine.stack_file.write_text(yaml.safe_dump(config))
    try:
        output = engine.quietly("preview", "--stack", "local", "--diff", *engine.policy_arguments())
    finally:
        engine.stack_file.write_text(original)
    assert '"300" => "77"' in output
    # The budget itself, and the alert of what language models cost, which has its limit from it.
    assert "2 to update" in summary(output)
    assert "content_cost_month_usd" in output


@pytest.mark.requirement("Y01")
def test_a_stack_that_drops_a_header_is_refused_by_the_analyzer(world: World, url: str) -> None:
    engine = world.engine("local")
    original = engine.stack_file.read_text()
    config = yaml.safe_load(original)
    config["config"]["contentgen:headers"] = {"X-Frame-Options": None}
    engine.stack_file.write_text(yaml.safe_dump(config))
    try:
        with pytest.raises(EngineError) as refused:
            engine.quietly("preview", "--stack", "local", *engine.policy_arguments())
    finally:
        engine.stack_file.write_text(original)
    said = str(refused.value)
    assert "[mandatory]" in said and "security-headers" in said
    assert "local-us-east-1-edge-api" in said
    assert "x-frame-options" in said and "DENY, or SAMEORIGIN" in said


@pytest.mark.requirement("Y02")
def test_eleven_instances_are_refused_by_the_analyzer(world: World, url: str, tmp_path: Path) -> None:
    engine = world.engine("local")
    program = {"name": "eleven", "main": str(HERE / "programs" / "eleven"), "runtime": _runtime()}
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump(program))
    environment = {**engine.environment(), "TARGET_KUBECONFIG": world.cloud("local").kubeconfigs["us-east-1"]}
    command = [str(engine.toolchain.engine.command)]
    subprocess.run([*command, "stack", "init", "test"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    arguments = ["preview", "--stack", "test", "--non-interactive", *engine.policy_arguments()]
    done = subprocess.run(
        [*command, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "scale-limits" in said and "eleven-hpa" in said
    assert "spec.maxReplicas is 11; the limit is 10 instances of cpm" in said


@pytest.mark.requirement("S01")
def test_plain_pulumi_works_in_a_checkout_without_our_commands(world: World, url: str, tmp_path: Path) -> None:
    engine = world.engine("local")
    checkout = tmp_path / "checkout"
    root = HERE.parent.parent
    checkout.mkdir()
    for name in ("infra", "stacks", "components", "policies"):
        (checkout / name).symlink_to(root / name)
    (checkout / ".venv").symlink_to(sys.prefix)
    for path in [root / "Pulumi.yaml", *root.glob("Pulumi.*.yaml")]:
        (checkout / path.name).write_text(path.read_text())
    environment = {**engine.environment(), "PULUMI_BACKEND_URL": f"file://{tmp_path}"}
    command = str(engine.toolchain.engine.command)
    subprocess.run([command, "stack", "init", "dev"], cwd=checkout, env=environment, check=True, capture_output=True)

    def previewed() -> subprocess.CompletedProcess[str]:
        arguments = [command, "preview", "-s", "dev", "--non-interactive"]
        return subprocess.run(arguments, cwd=checkout, env=environment, capture_output=True, text=True, check=False)

    done = previewed()
    assert done.returncode != 0
    assert "namespace contentgen belongs to the stack local" in done.stdout
    apart = [command, "config", "set", "contentgen:namespace", "apart", "-s", "dev"]
    subprocess.run(apart, cwd=checkout, env=environment, check=True, capture_output=True)
    done = previewed()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "to create" in summary(done.stdout)


def test_a_proxy_of_the_machine_is_asked_for_nothing_that_is_on_it(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    done = world.command("up", "--stack", "local")
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.requirement("S06")
def test_wrong_settings_stop_the_engine_before_any_resource(world: World, url: str) -> None:
    engine = world.engine("local")
    original = engine.stack_file.read_text()
    config = yaml.safe_load(original)
    config["config"] |= {"contentgen:services": {"cpm": {"maximum": 11}}, "contentgen:regions": ["mars-1"]}
    engine.stack_file.write_text(yaml.safe_dump(config))
    try:
        with pytest.raises(EngineError) as refused:
            engine.quietly("preview", "--stack", "local")
    finally:
        engine.stack_file.write_text(original)
    said = str(refused.value)
    assert "Pulumi.local.yaml: 2 settings are wrong" in said
    assert "contentgen:services.cpm.maximum = 11: must be at most 10" in said
    assert "unknown region mars-1; allowed are us-east-1" in said
    assert "Traceback" not in said


@pytest.mark.requirement("S03")
def test_the_state_holds_a_component_of_every_kind(world: World, url: str) -> None:
    resources = world.checkpoint("local")["resources"]
    kinds = {one["type"] for one in resources}
    wanted = {
        "contentgen:kubernetes:GenerationService",
        "contentgen:kubernetes:Autoscaler",
        "contentgen:data:ClusterRedis",
        "contentgen:data:ClusterPostgres",
        "contentgen:backup:BackupBucket",
        "contentgen:cost:Budget",
        "contentgen:edge:Routing",
    }
    assert wanted <= kinds


def test_no_secret_stands_in_clear_in_state_logs_or_workspace(world: World, url: str) -> None:
    secrets = world.aws("local", "secretsmanager")
    [record] = secrets.list_secrets()["SecretList"]
    values = json.loads(secrets.get_secret_value(SecretId=record["ARN"])["SecretString"])
    made = [json.loads(values.pop(name)) for name in ("database_logins", "database_owner_logins")]
    logins = [password for names in made for password in names.values()]
    keys = [values.pop(name) for name in [*values] if name.partition("_")[0] in ("admin", "session", "webhook")]
    stores = [str(urlsplit(value).password) for value in values.values()]
    passwords = {one.encode() for one in (*logins, *keys, *stores)}
    # The administrator's, two logins of the service and two of the owner, one of each Redis, three of each key.
    assert len(passwords) == 7 + 9
    folder = world.state / "local"
    searched = [folder / name for name in ("pulumi", "workspace", "logs", "tmp", "home", "regions/us-east-1/logs")]
    files = [path for part in searched for path in part.rglob("*") if path.is_file() and not path.is_symlink()]
    assert any(path.name == "local.json" for path in files)
    found = [(path, "clear") for path in files for one in passwords if one in path.read_bytes()]
    assert found == []


def test_the_engine_keeps_no_log_of_every_property_it_sees(world: World, url: str) -> None:
    assert (world.state / "local" / "pulumi" / "logs").is_file()


def test_everything_that_was_started_listens_on_loopback_only(world: World, url: str) -> None:
    family = {
        child.pid: child for process in world.processes() for child in [process, *process.children(recursive=True)]
    }
    listening = [
        (one.pid, one.laddr[0]) for one in psutil.net_connections("tcp") if one.status == "LISTEN" and one.pid in family
    ]
    assert len(listening) > 10
    assert [address for _, address in listening if not address.startswith("127.") and address != "::1"] == []


def test_status_as_json_names_every_pod(world: World, url: str) -> None:
    found = json.loads(world.command("status", "--json").stdout)["local"]
    assert {"aws", "runner", "edge", "postgres-0", "redis-cache-0", "redis-queue-0"} <= {one["what"] for one in found}
    assert all(one["state"] == "running" for one in found if one["what"] in ("aws", "runner"))


@pytest.mark.requirement("L05")
def test_one_command_goes_back_to_an_earlier_revision_and_jobs_go_on(world: World, url: str, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository", world, {"WATCH_SECONDS": "0"})
    first = repository.begin()
    assert repository.released("local") == 0
    revision = repository.add_migration()
    repository.commit("A table more")
    assert repository.released("local") == 0
    with steady_traffic(url) as told:
        done = repository.contentgen("rollback", "--stack", "local", "--to", first[:10])
        told.wait_for(4)
    assert done.returncode == 0, done.stdout[-4000:]
    assert f"the database stays at revision {revision}" in done.stdout
    assert told.wrong == []
    assert unfinished(url, told.accepted, {}) == []
    stack = next(one for one in world.resources("local") if one["type"] == "pulumi:pulumi:Stack")
    assert stack["outputs"]["commit"] == first
    assert world.database("local", "us-east-1", "SELECT version_num FROM alembic_version") == [revision]
    unknown = repository.contentgen("rollback", "--stack", "local", "--to", "0123456")
    assert unknown.returncode == 1
    assert "0123456 is no commit of this repository" in unknown.stdout


def test_down_leaves_no_process_no_port_and_no_file(world: World, url: str) -> None:
    port = world.cloud("local").regions[0].edge_port
    world.down("local")
    deadline = time.monotonic() + 10
    while world.processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert world.processes() == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/health")


def test_nothing_of_the_user_was_read_into_or_written(world: World, printed: dict[str, str]) -> None:
    assert printed, "no stack was up"
    assert set(fingerprint(world.home)) == set(TRAPS)
    assert {name: (world.home / name).read_text() for name in TRAPS} == TRAPS


def _runtime() -> dict[str, object]:
    return {"name": "python", "options": {"toolchain": "pip", "virtualenv": sys.prefix}}
