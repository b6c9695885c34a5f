"""The object that ties a namespace to one stack, as every stack declares it."""

from __future__ import annotations

from tests.unit.engine import RecordingEngine


def test_each_namespace_has_an_owner_that_is_applied_without_force_by_a_manager_of_the_stack(
    every: RecordingEngine,
) -> None:
    owners = [one for one in every.of("ConfigMap") if one.at("metadata", "name") == "contentgen-owner"]
    assert len(owners) == len(every.of("core/v1:Namespace"))
    for one in owners:
        assert one.at("data") == {"stack": every.stack}
        assert one.at("metadata", "annotations", "pulumi.com/patchFieldManager") == f"contentgen-owner-{every.stack}"
        assert one.at("metadata", "annotations", "pulumi.com/patchForce") == "false"


def test_stores_secrets_services_and_jobs_wait_for_the_owner(every: RecordingEngine) -> None:
    for owner in (one for one in every.of("ConfigMap") if one.at("metadata", "name") == "contentgen-owner"):
        region = owner.name.removesuffix("-space-owner")
        kinds = ("Quota", "ClusterPostgres", "ManagedPostgres", "ApplicationSecrets", "PgBouncer")
        parts = [one for kind in kinds for one in every.of(f":{kind}") if one.name.startswith(region)]
        assert len(parts) == 4
        for one in parts:
            assert owner.urn in one.after, one.name
        (migration,) = (one for one in every.of("ApplicationJob") if one.name == f"{region}-migrate")
        assert owner.urn in migration.after
