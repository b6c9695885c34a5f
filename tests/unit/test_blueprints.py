"""The registry of products, and what it refuses: a blueprint that contradicts itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from infra.settings.environment import Environment
from infra.settings.errors import SettingsError
from infra.settings.stack import DEFAULT_PRODUCT
from stacks.products.blueprint import Blueprint
from stacks.products.content_generation.blueprint import BLUEPRINT
from stacks.products.registry import PRODUCTS, BlueprintError, registered
from stacks.specs.bucket import BucketAccess, BucketSpec
from stacks.specs.job import BackupUse
from stacks.specs.profile import Profile, Size
from stacks.specs.store import Role
from stacks.specs.workload import WorkloadSpec
from stacks.stack_files import parse

PROD = BLUEPRINT.profiles[Environment.PROD]
API, IM, WORKER, PAGE = BLUEPRINT.workloads


def with_workloads(*workloads: WorkloadSpec) -> Blueprint:
    return replace(BLUEPRINT, workloads=workloads)


def with_prod(profile: Profile) -> Blueprint:
    return replace(BLUEPRINT, profiles=MappingProxyType({**BLUEPRINT.profiles, Environment.PROD: profile}))


def with_size(size: Size) -> Blueprint:
    return with_prod(replace(PROD, services=MappingProxyType({**PROD.services, "cpm": size})))


WRONG = {
    "a route to a workload that does not exist": (
        replace(BLUEPRINT, routes=replace(BLUEPRINT.routes, region={"cpn": ()})),
        "routes.region: 'cpn' is no Service of a workload; Services are cpm, im, worker, frontend",
    ),
    "a health check that nothing answers": (
        replace(BLUEPRINT, routes=replace(BLUEPRINT.routes, health="web")),
        "routes.health: 'web' is no Service of a workload; Services are cpm, im, worker, frontend",
    ),
    "a peer that does not exist": (
        with_workloads(API, IM, replace(WORKER, peers=("writer",)), PAGE),
        "workloads.worker.peers: 'writer' is no workload; workloads are cpm, im, worker, frontend",
    ),
    "a public workload without a route": (
        with_workloads(API, replace(IM, public=True), WORKER, PAGE),
        "workloads.im.public: is True; it must be False, or it gets a route",
    ),
    "a routed workload that is not public": (
        with_workloads(replace(API, public=False), IM, WORKER, PAGE),
        "workloads.cpm.public: is False; it must be True, or its routes go",
    ),
    "a queue without an autoscaler": (
        with_workloads(API, IM, replace(WORKER, autoscaled=False), PAGE),
        "workloads.worker: has a queue to scale by and autoscaled False; leave one of them out",
    ),
    "counted clients without a store that keeps the counts": (
        replace(BLUEPRINT, redis=(Role.CACHE,)),
        "workloads.cpm.holds_application_keys: needs the redis queue, in which limits of clients are counted",
    ),
    "two things of one name": (
        replace(BLUEPRINT, jobs=(*BLUEPRINT.jobs, replace(BLUEPRINT.jobs[-1], name="im"))),
        "workloads and jobs: 'im' stands 2 times; give each a name of its own",
    ),
    "no migration": (
        replace(BLUEPRINT, jobs=BLUEPRINT.jobs[1:]),
        "jobs: the first is 'seed'; it must be the migration, which administers the database",
    ),
    "no job at all": (
        replace(BLUEPRINT, jobs=()),
        "jobs: the first is None; it must be the migration, which administers the database",
    ),
    "a page on the API's own port": (
        with_workloads(replace(API, page_port=8000), IM, WORKER, PAGE),
        "workloads.cpm.page_port: is 8000, as port is; give each a number of its own",
    ),
    "a bucket that does not exist": (
        with_workloads(replace(API, buckets={"video": BucketAccess.SERVES}), IM, WORKER, PAGE),
        "workloads.cpm.buckets: 'video' is no bucket; buckets are none",
    ),
    "a job with a bucket that does not exist": (
        replace(
            BLUEPRINT,
            buckets=(BucketSpec("files", "files", 7),),
            jobs=(*BLUEPRINT.jobs[:-1], replace(BLUEPRINT.jobs[-1], buckets={"video": BucketAccess.CLEANS})),
        ),
        "jobs.maintenance-monthly.buckets: 'video' is no bucket; buckets are files",
    ),
    "a heartbeat of a job that only archives": (
        replace(
            BLUEPRINT,
            jobs=(*BLUEPRINT.jobs[:-1], replace(BLUEPRINT.jobs[-1], backups=BackupUse.ARCHIVES, heartbeat="Cleaned")),
        ),
        "jobs.maintenance-monthly: has heartbeat Cleaned and backups archives; give both or neither",
    ),
    "a heartbeat of a job without backups": (
        replace(BLUEPRINT, jobs=(*BLUEPRINT.jobs[:-1], replace(BLUEPRINT.jobs[-1], heartbeat="Cleaned"))),
        "jobs.maintenance-monthly: has heartbeat Cleaned and backups None; give both or neither",
    ),
    "a limit below a profile's number": (
        with_size(Size(2, 11)),
        "profiles.prod.services.cpm: has 2 to 11 instances; allowed are 1 to 10, the minimum first",
    ),
    "a range the wrong way round": (
        with_size(Size(4, 3)),
        "profiles.prod.services.cpm: has 4 to 3 instances; allowed are 1 to 10, the minimum first",
    ),
    "no instance": (
        with_size(Size(0, 3)),
        "profiles.prod.services.cpm: has 0 to 3 instances; allowed are 1 to 10, the minimum first",
    ),
    "more memory than the limit": (
        with_size(Size(2, 10, memory="3Gi")),
        "profiles.prod.services.cpm.memory: is 3Gi; it must be at most 2147483648 bytes, such as 1Gi",
    ),
    "memory that is no amount": (
        with_size(Size(2, 10, memory="much")),
        "profiles.prod.services.cpm.memory: is much; it must be at most 2147483648 bytes, such as 1Gi",
    ),
    "more storage than the limit": (
        with_prod(replace(PROD, postgres=replace(PROD.postgres, storage_gb=101))),
        "profiles.prod.postgres.storage_gb: is 101; it must be at most 100, the product's limit",
    ),
    "more connections than the limit": (
        with_prod(replace(PROD, postgres=replace(PROD.postgres, max_connections=201))),
        "profiles.prod.postgres.max_connections: is 201; it must be at most 200, the product's limit",
    ),
    "more money than the limit": (
        with_prod(replace(PROD, monthly_usd=1501)),
        "profiles.prod.monthly_usd: is 1501; it must be at most 1500, the product's limit",
    ),
    "a profile without a workload": (
        with_prod(replace(PROD, services=MappingProxyType({"cpm": Size(1, 2)}))),
        "profiles.prod.services: are ['cpm']; they must be those of workloads: ['cpm', 'frontend', 'im', 'worker']",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_blueprint_that_contradicts_itself_is_refused_with_product_field_value_and_fix(case: str) -> None:
    blueprint, problem = WRONG[case]
    with pytest.raises(BlueprintError) as raised:
        registered((blueprint,))
    assert f"content-generation: {problem}" in str(raised.value).splitlines()


@pytest.mark.parametrize("field", ["name", "short", "namespace"])
def test_two_products_never_share_a_name_a_short_word_or_a_namespace(field: str) -> None:
    other = replace(PRODUCTS["workflow-dashboard"], **{field: getattr(BLUEPRINT, field)})
    with pytest.raises(BlueprintError) as raised:
        registered((BLUEPRINT, other))
    said = (
        f"{other.name}: {field} is {getattr(BLUEPRINT, field)!r}, as of content-generation; give each product its own"
    )
    assert said in str(raised.value).splitlines()


def test_every_problem_of_every_product_is_said_at_once() -> None:
    other = replace(with_size(Size(2, 11, memory="3Gi")), name="other")
    with pytest.raises(BlueprintError) as raised:
        registered((replace(BLUEPRINT, redis=(Role.CACHE,)), BLUEPRINT, other))
    lines = str(raised.value).splitlines()
    name = BLUEPRINT.name
    assert f"{name}: name is {name!r}, as of {name}; give each product its own" in lines
    assert sum(line.startswith("other: profiles.prod.services.cpm") for line in lines) == 2


def test_an_unknown_product_is_refused_with_those_that_there_are() -> None:
    values = {"environment": "prod", "domain": "example.com", "regions": ["us-east-1"], "product": "unknown"}
    with pytest.raises(SettingsError) as raised:
        parse("it", values)
    assert f"contentgen:product = 'unknown': must be one of {', '.join(PRODUCTS)}" in str(raised.value)


def test_every_folder_with_a_blueprint_is_registered_and_the_default_product_is_the_first(root: Path) -> None:
    folders = {file.parent.name.replace("_", "-") for file in (root / "stacks" / "products").glob("*/blueprint.py")}
    assert set(PRODUCTS) == folders
    assert len(folders) >= 5
    first, *others = PRODUCTS
    assert (first, others) == (DEFAULT_PRODUCT, sorted(others))
