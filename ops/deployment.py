"""Deploying a stack onto the embedded cloud, and taking it away again."""

from __future__ import annotations

import time

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from infra.catalog.regions import in_priority_order
from infra.settings.errors import SettingsError
from infra.settings.stack import NAMESPACE, StackSettings
from infra.settings.stack_file import stacks
from localcloud.cloud import Cloud, CloudError
from localcloud.cloudfile import CloudFile
from localcloud.cluster import ClusterError
from localcloud.deployment import apply, engine_of, ready
from localcloud.engine import Engine, EngineError
from localcloud.images import by_digest
from localcloud.paths import cloud_file, state_root
from localcloud.protection import release
from localcloud.stack_lock import alone, hold
from localcloud.toolchain import later
from localcloud.toolchain.families import FIRST, LATER
from localcloud.toolchain.family import Family
from localcloud.toolchain.origin import ensure
from ops.checkout import CHECKOUT
from ops.console import Report
from ops.policy_pack import stack_policy_config
from ops.reporting import show_deployed
from ops.stack_files import planned, read
from stacks.networking.dns_routing import edge_name
from stacks.plan import StackPlan, plan
from stacks.specs.paths import ALIVE_PATH
from stacks.validation import require_valid

ANSWER_SECONDS = 30.0
DESTROY_SECONDS = 300.0
IMAGE_SETTING = f"{NAMESPACE}:image"
BY_FORCE = "The embedded cloud is removed with everything in it all the same."


def up(stack: str, report: Report, *, refresh: bool = False) -> None:
    """Cloud, engine, policies, workloads. Safe and quick to run again, after any kind of interruption too.

    Without ``refresh`` the engine compares with its state alone: what was changed by hand stays.
    """
    planned = _sound(stack)
    with alone(state_root() / stack, report.step):
        cloud, described, engine = _ready(planned, report)
        report.step("pulumi up, with the policy pack")
        apply(cloud, described, engine, *(["--refresh"] if refresh else []))
        report.step("waiting for every region's edge")
        await_answers(engine)
    later.begin()
    show_deployed(report, planned, described, engine.home)


def await_answers(engine: Engine) -> None:
    """Waits until every region's edge answers. Raises CloudError for one that does not."""
    for region in CloudFile.read(engine.cloud_file).regions:
        _wait_for(region.url)


def preview(stack: str, report: Report, *, diff: bool) -> None:
    """Preview of ``up`` for the stack as it stands on the embedded cloud."""
    planned = _sound(stack)
    with alone(state_root() / stack, report.step):
        _, _, engine = _ready(planned, report)
        report.step("pulumi preview, with the policy pack")
        engine.run("preview", *(["--diff"] if diff else []), *engine.policy_arguments())


def refresh(stack: str, report: Report) -> None:
    """Reads back a running stack. Raises CloudError for one that is not."""
    require_up(stack)
    planned = _sound(stack)
    with alone(state_root() / stack, report.step):
        _, _, engine = _ready(planned, report)
        engine.refresh()


def down(stack: str | None, report: Report, *, ordered: bool = False) -> None:
    """One stack, or every stack of this checkout: its processes end and its folder goes, and all it had was in there.

    ``ordered`` first destroys every resource as on a real cloud; what cannot be is taken away all the same.
    """
    root = state_root()
    chosen = [stack] if stack else sorted(path.name for path in root.glob("*") if path.is_dir())
    if not chosen:
        report.line("nothing is running")
    toolchain = ensure(report.step, FIRST) if chosen else None
    for name in chosen:
        if toolchain is None:
            continue
        with alone(root / name, report.step):
            cloud = Cloud(name, toolchain)
            engine_of(cloud).end_leftovers()
            if ordered:
                _destroy(cloud, report)
            cloud.down(report.step)
            report.step(f"{name} is gone: no process, port or file of it is left")
    if root.exists() and not any(root.iterdir()):
        root.rmdir()


def check(stack: str | None, report: Report) -> None:
    """Reads stack files; SettingsError names everything wrong in the first one that is."""
    for name in [stack] if stack else stacks(CHECKOUT):
        settings = _sound(name).settings
        report.line(f"Pulumi.{name}.yaml: {settings.environment}, {', '.join(settings.regions)}: no finding")


def prepared(stack: str, report: Report) -> Engine:
    """The engine of a stack on its embedded cloud, ready for any command. It is this process's until that ends."""
    planned = _sound(stack)
    hold(state_root() / stack, report.step)
    _, _, engine = _ready(planned, report)
    return engine


def require_up(stack: str) -> None:
    """Raises CloudError for a stack that has no embedded cloud, before one is started or a tool is built for it."""
    read(CHECKOUT, stack)
    if not cloud_file(state_root() / stack).exists():
        raise CloudError(f"{stack} is not running; fix: make up STACK={stack}")


def running(stack: str) -> Engine:
    """The engine of a stack that is up on the embedded cloud. Raises CloudError when it is not."""
    require_up(stack)
    return engine_of(Cloud(stack, ensure(lambda _: None, FIRST)))


def addresses_of(stack: str, *, on_real: bool) -> dict[str, str]:
    """Address of each region's edge by region, whatever DNS says of it."""
    if on_real:
        settings = read(CHECKOUT, stack)
        ordered = in_priority_order(settings.regions)
        return {region.code: f"https://{edge_name(region, settings.domain)}" for region in ordered}
    return {region.name: region.url for region in CloudFile.read(running(stack).cloud_file).regions}


def problem_of(stack: str, settings: StackSettings, *, on_real: bool) -> str:
    """Problem of a stack's settings for its deployment, in the words of the refusal; nothing when sound."""
    try:
        require_valid(plan(stack, settings), embedded=not on_real)
    except SettingsError as error:
        return str(error)
    return ""


def _sound(stack: str) -> StackPlan:
    """A stack's plan. Raises SettingsError for wrong settings, and for those that cannot work together."""
    found = planned(CHECKOUT, stack)
    require_valid(found, embedded=True)
    return found


def _ready(plan: StackPlan, report: Report) -> tuple[Cloud, CloudFile, Engine]:
    cloud = Cloud(plan.stack, ensure(report.step, needed_tools(plan)), plan.prefix)
    pushed = {IMAGE_SETTING: by_digest(plan.settings.image, cloud.registry.push(CHECKOUT))}
    policy_config = stack_policy_config(CHECKOUT, plan.stack, plan.settings)
    regions = [region.code for region in plan.regions]
    return cloud, *ready(cloud, regions, policy_config, pushed, report.step)


def needed_tools(plan: StackPlan) -> tuple[Family, ...]:
    """The tools without which this stack cannot become what it declares. Workers get more than one instance from KEDA
    alone: a stack that always wants more waits for its build, any other takes it up later.
    """
    return (*FIRST, *LATER) if plan.needs_scaler else FIRST


def _destroy(cloud: Cloud, report: Report) -> None:
    described = cloud.description()
    engine = engine_of(cloud)
    if described is not None and engine.checkpoint.exists():
        try:
            regions = [region.name for region in described.regions]
            cloud.up(regions, report.step)
            engine.recover(report.step)
            engine.begin_destroy()
            report.step("ending scheduled jobs: a backup that is made now would keep its bucket")
            cloud.end_jobs(described)
            release(described)
            report.step(f"pulumi destroy of {cloud.stack}")
            engine.quietly("state", "unprotect", "--all", "--yes", "--stack", cloud.stack)
            engine.destroy(DESTROY_SECONDS)
        except (EngineError, CloudError, ClusterError, BotoCoreError, ClientError) as error:
            report.line(f"{error}\n{BY_FORCE}")


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + ANSWER_SECONDS
    problem = ""
    while time.monotonic() < deadline:
        try:
            answer = httpx.get(url + ALIVE_PATH, timeout=5)
            if answer.status_code == 200:
                return
            problem = f"status {answer.status_code}"
        except httpx.HTTPError as error:
            problem = str(error)
        time.sleep(0.2)
    raise CloudError(f"{url}{ALIVE_PATH} does not answer: {problem}. Fix: `make status` shows the pods and their logs.")
