"""Everything that document A's product is made of, on every stack (Z01)."""

from __future__ import annotations

import pytest

from infra.catalog.regions import REGIONS
from tests.unit.engine import RecordingEngine
from tests.unit.program import Declare

SERVICES = {"cpm", "im", "frontend", "worker"}
ALL_REGIONS = tuple(region.code for region in REGIONS)


def in_region(engine: RecordingEngine, kind: str, region: str) -> set[str]:
    """The names that objects of a kind have in one region's cluster."""
    found = [one for one in engine.of(kind) if one.provider.split("::")[-2] == f"kubernetes-{region}"]
    return {str(one.at("metadata", "name")) for one in found}


@pytest.mark.requirement("Z01")
@pytest.mark.parametrize(
    ("stack", "regions"),
    [("local", ALL_REGIONS[:1]), ("dev", ALL_REGIONS[:1]), ("staging", ALL_REGIONS[:1]), ("prod", ALL_REGIONS)],
)
def test_the_product_is_whole_on_every_stack(declare: Declare, stack: str, regions: tuple[str, ...]) -> None:
    engine = declare(stack)
    assert len(regions) == (3 if stack == "prod" else 1)
    for region in regions:
        assert in_region(engine, "apps/v1:Deployment", region) == SERVICES | {"pgbouncer"}
        assert in_region(engine, "v1:Service", region) >= {"cpm", "im", "frontend"}
        by_keda = {"worker", "cpm", "im"} if stack == "staging" else {"worker"}
        assert in_region(engine, "ScaledObject", region) == by_keda
        assert in_region(engine, "HorizontalPodAutoscaler", region) == {"cpm", "im", "frontend", "worker"} - by_keda
        assert in_region(engine, "v1:HTTPRoute", region)
        assert in_region(engine, "v1:Gateway", region) == {"edge"}
        assert {"backup", "restore-check"} <= in_region(engine, "batch/v1:CronJob", region)
        assert f"{stack}-{region}-migrate-job" in {one.name for one in engine.of("batch/v1:Job")}
        stores = in_region(engine, "apps/v1:StatefulSet", region)
        databases = [one for one in engine.of("rds/instance:Instance") if one.at("region") == region]
        caches = [one for one in engine.of("ReplicationGroup") if one.at("region") == region]
        if stack in ("local", "dev"):
            assert (stores, databases, caches) == ({"postgres", "redis-cache", "redis-queue"}, [], [])
        else:
            assert (stores, len(caches)) == (set(), 2)
            replicas = [one for one in databases if one.at("replicateSourceDb") is not None]
            assert (len(databases) - len(replicas), len(replicas)) == (1, 1 if stack == "prod" else 0)
    assert len(engine.of("budgets/budget:Budget")) == 1
    buckets = {one.name for one in engine.of("s3/bucket:Bucket")}
    assert f"{stack}-backup-bucket" in buckets
    checked = [one.at("fqdn") for one in engine.of("route53/healthCheck:HealthCheck")]
    assert len(checked) == len(regions)
    assert engine.of("route53/record:Record")
