"""Backups as they are declared: closed, locked, tried by the clock, watched from outside, on record."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app import backup_metrics
from components.audit_trail import key_policy
from components.log_bucket import ACCESS_FOLDER, TRAIL_FOLDER
from infra.settings.environment import Environment
from infra.settings.stores import BackupSettings
from ops.stack_files import read
from stacks.jobs import heartbeats
from stacks.plan import plan
from stacks.products.content_generation.blueprint import BLUEPRINT
from stacks.products.content_generation.profiles import PROFILES
from stacks.products.jobs import BACKUP, RESTORE_CHECK
from stacks.validation import findings
from tests.unit.engine import Declared, Json, RecordingEngine
from tests.unit.program import CONTENT_STACKS, ROOT, Declare

BACKUPS, LOGS = "-backup", "-logs"
FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
TLS_ONLY = {"Bool": {"aws:SecureTransport": "false"}}


def setting(engine: RecordingEngine, type_: str, bucket: str) -> Declared:
    """A bucket's own setting of a type."""
    (found,) = (one for one in engine.of(type_) if one.name.startswith(f"{engine.stack}{bucket}-"))
    return found


def statements(one: Declared) -> dict[str, dict[str, Json]]:
    return {statement["Sid"]: statement for statement in json.loads(str(one.at("policy")))["Statement"]}


def expiring(one: Declared) -> dict[str, int]:
    rules = one.at("rules")
    assert isinstance(rules, list)
    return {rule["id"]: rule["expiration"]["days"] for rule in rules if "expiration" in rule}


@pytest.mark.requirement("W04")
@pytest.mark.parametrize(("bucket", "algorithm"), [(BACKUPS, "aws:kms"), (LOGS, "AES256")])
def test_a_bucket_is_closed_encrypted_versioned_and_speaks_tls_only(
    each: RecordingEngine, bucket: str, algorithm: str
) -> None:
    closed = setting(each, "BucketPublicAccessBlock", bucket)
    assert [closed.at(flag) for flag in FLAGS] == [True] * 4
    assert setting(each, "BucketVersioning", bucket).at("versioningConfiguration", "status") == "Enabled"
    encryption = setting(each, "BucketServerSideEncryptionConfiguration", bucket)
    assert encryption.at("rules", 0, "applyServerSideEncryptionByDefault", "sseAlgorithm") == algorithm
    denied = statements(setting(each, "BucketPolicy", bucket))["TlsOnly"]
    assert (denied["Effect"], denied["Condition"]) == ("Deny", TLS_ONLY)


@pytest.mark.requirement("W01")
@pytest.mark.requirement("W04")
def test_dumps_state_wal_and_configuration_age_out_and_so_does_every_old_version(each: RecordingEngine) -> None:
    lifecycle = setting(each, "BucketLifecycleConfiguration", BACKUPS)
    assert expiring(lifecycle) == {"expire-db": 30, "expire-state": 30, "expire-wal": 7, "expire-config": 90}
    rules = lifecycle.at("rules")
    assert isinstance(rules, list)
    (clean,) = (rule for rule in rules if "noncurrentVersionExpiration" in rule)
    assert clean["status"] == "Enabled"
    assert clean["filter"] == {"prefix": ""}


@pytest.mark.parametrize(("stack", "days"), [("staging", 7), ("prod", 30)])
def test_backups_that_people_rely_on_are_locked_and_their_bucket_stays_the_one_it_was(
    declare: Declare, stack: str, days: int
) -> None:
    lock = declare(stack).one("BucketObjectLockConfiguration")
    assert lock.at("rule", "defaultRetention") == {"mode": "GOVERNANCE", "days": days}
    # The bucket's own switch would make another bucket of it.
    assert [one.at("objectLockEnabled") for one in declare(stack).of("s3/bucket:Bucket")] == [None, None]
    assert any(urn.endswith("backup-versioning") for urn in lock.after)


@pytest.mark.parametrize("stack", ["local", "dev"])
def test_where_data_may_be_made_again_nothing_is_locked(declare: Declare, stack: str) -> None:
    assert declare(stack).of("BucketObjectLockConfiguration") == []


@pytest.mark.parametrize("environment", Environment)
def test_no_dump_is_locked_for_longer_than_it_is_kept(environment: Environment) -> None:
    profile = PROFILES[environment]
    assert profile.lock_days <= profile.retention_days


def test_a_retention_below_the_lock_is_refused_with_the_days_of_the_lock() -> None:
    given = read(ROOT, "prod")
    short = given.model_copy(update={"backup": BackupSettings(retention_days=14)})
    (wrong,) = findings(plan("it", short), embedded=True)
    assert (wrong.key, wrong.value) == ("contentgen:backup.retention_days", 14)
    assert "must be at least 30" in wrong.allowed
    both = given.model_copy(update={"backup": BackupSettings(retention_days=14, lock_days=14)})
    assert findings(plan("it", both), embedded=True) == ()


@pytest.mark.requirement("Y07")
def test_every_read_and_change_of_a_backup_is_written_into_another_bucket(each: RecordingEngine) -> None:
    logging = each.one("BucketLogging")
    assert logging.at("bucket") == f"{each.stack}-backup-bucket-bucket"
    assert logging.at("targetPrefix") == f"{ACCESS_FOLDER}/"
    allowed = statements(setting(each, "BucketPolicy", LOGS))["AccessLogs"]
    assert allowed["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert str(allowed["Resource"]).endswith(f"/{ACCESS_FOLDER}/*")
    condition = allowed["Condition"]
    assert isinstance(condition, dict)
    assert condition["ArnEquals"] == {"aws:SourceArn": f"arn:aws:mock:::{each.stack}-backup-bucket"}
    assert expiring(setting(each, "BucketLifecycleConfiguration", LOGS))["expire-access"] == 90


@pytest.mark.requirement("Y07")
@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_every_change_of_the_account_is_written_down_once_encrypted_and_signed(declare: Declare, stack: str) -> None:
    engine = declare(stack)
    trail = engine.one("cloudtrail/trail:Trail")
    for flag in ("isMultiRegionTrail", "includeGlobalServiceEvents", "enableLogFileValidation"):
        assert trail.at(flag) is True
    assert trail.at("eventSelectors") is None, "management events, reads and writes, are what a trail has by default"
    assert trail.at("kmsKeyId") == f"arn:aws:mock:::{stack}-audit-key"
    assert trail.at("s3KeyPrefix") == TRAIL_FOLDER
    allowed = statements(setting(engine, "BucketPolicy", LOGS))
    for sid in ("TrailLooks", "TrailWrites"):
        condition = allowed[sid]["Condition"]
        assert isinstance(condition, dict)
        source = condition["StringEquals"]["aws:SourceArn"]  # type: ignore[index,call-overload]
        assert str(source).endswith(f":trail/{stack}-audit")
    assert expiring(setting(engine, "BucketLifecycleConfiguration", LOGS))["expire-trail"] == 365


@pytest.mark.parametrize("stack", ["local", "dev"])
def test_one_persons_stack_keeps_no_trail(declare: Declare, stack: str) -> None:
    assert declare(stack).of("cloudtrail/trail:Trail") == []


@pytest.mark.requirement("Y07")
def test_the_trails_key_is_managed_by_the_account_and_used_by_the_one_trail_only() -> None:
    owner, writer = json.loads(key_policy("us-east-1", "123456789012", "prod-audit"))["Statement"]
    assert owner["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert writer["Action"] == ["kms:GenerateDataKey*", "kms:DescribeKey"]
    assert writer["Condition"] == {
        "StringEquals": {"aws:SourceArn": "arn:aws:cloudtrail:us-east-1:123456789012:trail/prod-audit"}
    }


@pytest.mark.requirement("W03")
def test_the_newest_backup_is_restored_every_day_with_a_deadline_and_a_loud_failure(every: RecordingEngine) -> None:
    jobs = [one for one in every.of("CronJob") if one.at("metadata", "name") == RESTORE_CHECK.name]
    assert len(jobs) == len(every.of("core/v1:Namespace"))
    hours = str(plan("it", read(ROOT, every.stack)).profile.alarm_hours)
    for one in jobs:
        assert one.at("spec", "schedule") == "30 5 * * *"
        assert one.at("spec", "concurrencyPolicy") == "Forbid"
        run = ("spec", "jobTemplate", "spec")
        assert one.at(*run, "activeDeadlineSeconds") == 3600
        assert one.at(*run, "template", "metadata", "labels", "contentgen/on-failure") == "critical"
        container = (*run, "template", "spec", "containers", 0)
        assert one.at(*container, "args") == ["restore-check", "--within-hours", hours]


def alarms(engine: RecordingEngine) -> list[Declared]:
    return [one for one in engine.of("metricAlarm:MetricAlarm") if "-backup-alarms-" in one.name]


@pytest.mark.requirement("W03")
def test_somebody_is_told_when_a_regions_backups_stop_or_cannot_be_restored(each: RecordingEngine) -> None:
    declared = plan(each.stack, read(ROOT, each.stack))
    found = {
        (one.at("dimensions", "Region"), one.at("metricName"), one.at("evaluationPeriods")) for one in alarms(each)
    }
    assert found == {
        (one.region, one.metric, one.hours)
        for region in declared.settings.regions
        for one in heartbeats(declared.jobs, declared.profile, region)
    }
    for alarm in alarms(each):
        assert alarm.at("treatMissingData") == "breaching", "silence is what it listens for"
        assert alarm.at("period") == 3600
        assert alarm.at("alarmActions") == [f"arn:aws:mock:::{each.stack}-backup-alarms-notices"]


def test_a_job_counts_its_success_where_its_alarm_listens() -> None:
    names = {one.name: one.metric for one in heartbeats(BLUEPRINT.jobs, PROFILES[Environment.PROD], "us-east-1")}
    assert names == {BACKUP.name: backup_metrics.BACKUP, RESTORE_CHECK.name: backup_metrics.RESTORE_CHECK}


@pytest.mark.parametrize("stack", CONTENT_STACKS)
def test_both_jobs_are_told_the_namespace_that_the_alarms_read(declare: Declare, stack: str) -> None:
    engine = declare(stack)
    namespaces = {one.at("namespace") for one in alarms(engine)}
    assert namespaces == {f"contentgen/{stack}"}
    for one in engine.of("CronJob"):
        if one.at("metadata", "name") in (BACKUP.name, RESTORE_CHECK.name):
            variables = one.at("spec", "jobTemplate", "spec", "template", "spec", "containers", 0, "env")
            assert {"name": "BACKUP_METRICS", "value": f"contentgen/{stack}"} in variables  # type: ignore[operator]


def test_production_hears_of_a_missing_hourly_backup_after_two_hours() -> None:
    profile = PROFILES[Environment.PROD]
    assert [one.hours for one in heartbeats(BLUEPRINT.jobs, profile, "us-east-1")] == [2, 26]
    assert [one.hours for one in heartbeats(BLUEPRINT.jobs, replace(profile, alarm_hours=5), "us-east-1")] == [5, 26]


def test_every_alarm_of_aws_names_a_page_and_a_heading_that_exist(every: RecordingEngine) -> None:
    for alarm in every.of("MetricAlarm"):
        page, _, heading = str(alarm.at("alarmDescription")).partition("; runbook: ")[2].partition("#")
        headings = [
            line.removeprefix("## ").lower().replace(" ", "-") for line in (ROOT / page).read_text().splitlines()
        ]
        assert heading in headings, alarm.name
