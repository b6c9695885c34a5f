"""A project's stack on its embedded cloud: made ready, applied, taken away. Commands of a project are made of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from localcloud.cloud import Cloud
from localcloud.cloudfile import CloudFile
from localcloud.engine import Engine
from localcloud.identity import CloudIdentity
from localcloud.toolchain.compiler import Say


def engine_of(cloud: Cloud) -> Engine:
    return Engine(cloud.stack, cloud.folder, cloud.file, cloud.toolchain)


def ready(
    cloud: Cloud, regions: Sequence[str], policy_config: Mapping[str, object], settings: Mapping[str, str], say: Say
) -> tuple[CloudFile, Engine]:
    """Starts the cloud, prepares the engine, recovers from a command that was cut off, and reads the stack back where a
    restart has lost data.
    """
    described = cloud.up(regions, say)
    engine = engine_of(cloud)
    engine.prepare(policy_config, settings, say)
    engine.recover(say)
    lost = cloud.identity(described).lost_since(CloudIdentity.read(_identity_file(cloud)))
    if lost:
        say(f"{' and '.join(lost)} lost its data since the last update: reading back what is left")
        engine.refresh()
    return described, engine


def apply(cloud: Cloud, described: CloudFile, engine: Engine, *arguments: str) -> None:
    """``pulumi up``, with the policy pack where the project has one. Raises EngineError, CloudError."""
    engine.run("up", "--yes", *arguments, *engine.policy_arguments(), require=cloud.require_running)
    cloud.identity(described).write(_identity_file(cloud))


def _identity_file(cloud: Cloud) -> Path:
    return cloud.folder / "identity.json"
