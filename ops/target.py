"""Where a stack's commands go: the embedded cloud, or the real one by the credentials of the environment."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pulumi.automation import PulumiCommand

from localcloud.engine import Engine
from localcloud.paths import CHECKOUT
from ops import deployment
from ops.console import Report

READ_SECONDS: Final = 120


class EngineMissingError(Exception):
    """There is no Pulumi on this machine, and the official one cannot be fetched; the message says why."""


@dataclass(frozen=True)
class Target:
    """What is needed to run the engine on one stack."""

    stack: str
    command: Path
    workspace: Path
    environment: Mapping[str, str]
    policies: tuple[str, ...]


class EngineReadError(Exception):
    """What the engine keeps of a stack cannot be read; the message is the engine's own."""


def kept(target: Target, *arguments: str) -> str:
    """What ``pulumi stack ...`` prints of a stack: its state, its outputs. Raises EngineReadError."""
    command = [str(target.command), "stack", *arguments, "--stack", target.stack, "--non-interactive"]
    done = subprocess.run(
        command,
        cwd=target.workspace,
        env=dict(target.environment),
        capture_output=True,
        text=True,
        timeout=READ_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise EngineReadError(done.stderr.strip())
    return done.stdout


def embedded(engine: Engine) -> Target:
    """A stack of the embedded cloud."""
    command = Path(engine.toolchain.engine.command)
    return Target(engine.stack, command, engine.workspace, engine.environment(), tuple(engine.policy_arguments()))


def real(stack: str, environment: Mapping[str, str], checkout: Path = CHECKOUT) -> Target:
    """A stack of the real cloud, by the state and the credentials that the environment names.

    Raises EngineMissingError where Pulumi is not installed and cannot be fetched.
    """
    found = shutil.which("pulumi", path=environment.get("PATH"))
    command = Path(found) if found else _official()
    policies = ("--policy-pack", "policies", "--policy-pack-config", f"policies/config/{stack}.json")
    return Target(stack, command, checkout, environment, policies)


def _official() -> Path:
    """The official release, of the version of the SDK, by the SDK's own installer."""
    try:
        return Path(PulumiCommand.install().command)
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        raise EngineMissingError(f"pulumi is not on PATH and cannot be fetched: {error}; fix: install it") from None


def chosen(stack: str, report: Report, environment: Mapping[str, str], *, on_real: bool) -> Target:
    """The one that the command line asks for; the embedded cloud unless told otherwise."""
    return real(stack, environment) if on_real else embedded(deployment.prepared(stack, report))
