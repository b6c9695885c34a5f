"""Target of a stack's commands: the embedded cloud, or the real one by the credentials of the environment."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pulumi.automation import PulumiCommand

from localcloud.engine import Engine
from ops import deployment
from ops.checkout import CHECKOUT
from ops.console import Report

READ_SECONDS: Final = 120
POLICY_CONFIGURATION: Final = "policies/config/{stack}.json"
"""Policy configuration of a stack, below a checkout; made by ``contentgen generate``."""


class EngineMissingError(Exception):
    """There is no Pulumi on this machine, and the official one cannot be fetched; the message says why."""


@dataclass(frozen=True)
class Target:
    """Parameters to run the engine on one stack. ``engine`` is the embedded cloud's, None for a real stack."""

    stack: str
    command: Path
    workspace: Path
    environment: Mapping[str, str]
    policies: tuple[str, ...]
    engine: Engine | None = None

    def of_checkout(self, checkout: Path, image: str) -> Target:
        """The same stack with the program, settings and policies of another checkout, and the image to deploy."""
        if self.engine is None:
            # Its policies are named by relative paths, so that they are that checkout's own.
            return replace(self, workspace=checkout)
        engine = self.engine.at(checkout)
        config = json.loads((checkout / POLICY_CONFIGURATION.format(stack=self.stack)).read_text())
        engine.prepare(config, {deployment.IMAGE_SETTING: image} if image else {}, lambda _: None)
        return embedded(engine)


class EngineReadError(Exception):
    """State of a stack that the engine cannot read; the message is the engine's own."""


def kept(target: Target, *arguments: str) -> str:
    """Output of ``pulumi stack ...``: a stack's state, its outputs. Raises EngineReadError."""
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
    policies = tuple(engine.policy_arguments())
    return Target(engine.stack, command, engine.workspace, engine.environment(), policies, engine)


def real(stack: str, environment: Mapping[str, str], checkout: Path = CHECKOUT) -> Target:
    """A stack of the real cloud, by the state and the credentials that the environment names.

    Raises EngineMissingError where Pulumi is not installed and cannot be fetched.
    """
    found = shutil.which("pulumi", path=environment.get("PATH"))
    command = Path(found) if found else _official()
    policies = ("--policy-pack", "policies", "--policy-pack-config", POLICY_CONFIGURATION.format(stack=stack))
    return Target(stack, command, checkout, environment, policies)


def _official() -> Path:
    """The official release, of the version of the SDK, by the SDK's own installer."""
    try:
        return Path(PulumiCommand.install().command)
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        raise EngineMissingError(f"pulumi is not on PATH and cannot be fetched: {error}; fix: install it") from None


def chosen(stack: str, report: Report, environment: Mapping[str, str], *, on_real: bool) -> Target:
    """The one that the command line asks for; the embedded cloud by default."""
    return real(stack, environment) if on_real else embedded(deployment.prepared(stack, report))
