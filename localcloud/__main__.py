"""``python -m localcloud up | down | status | tools``: a project's stacks on the embedded cloud, for a project that has
no commands of its own. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from localcloud.cloud import Cloud, CloudError
from localcloud.cloudfile import CloudFile
from localcloud.cluster import ClusterError
from localcloud.deployment import apply, engine_of, ready
from localcloud.engine import EngineError
from localcloud.networks import NoNetworkLeft
from localcloud.observe import running
from localcloud.paths import cloud_file, state_root
from localcloud.plugins import origins
from localcloud.project import ProjectError, project
from localcloud.proxies import past_proxies
from localcloud.stack_lock import alone
from localcloud.toolchain import origin
from localcloud.toolchain.compiler import ToolchainError
from localcloud.toolchain.families import FIRST

STACK: Final = "local"
REGION: Final = "us-east-1"
FAILURES: Final = (CloudError, ClusterError, EngineError, NoNetworkLeft, ToolchainError)


def up(stack: str, regions: Sequence[str]) -> None:
    """The stack as its program and its stack file say. Safe to run again, after any interruption too."""
    _require_stack_file(stack)
    cloud = Cloud(stack, origin.ensure(say, FIRST))
    with alone(cloud.folder, say):
        described, engine = ready(cloud, regions, _policy_config(), {}, say)
        say("pulumi up")
        apply(cloud, described, engine)
    _show(described)
    print("; ".join(f"{name}: {where}" for name, where in origins(engine.home).items()))


def down(stack: str) -> None:
    """Ends the stack's processes and removes its folder."""
    if not (state_root() / stack).exists():
        print(f"{stack} is not running")
        return
    cloud = Cloud(stack, origin.ensure(say, FIRST))
    with alone(cloud.folder, say):
        engine_of(cloud).end_leftovers()
        cloud.down(say)
    say(f"{stack} is gone: no process, port or file of it is left")


def status() -> None:
    """Every stack of the project that has been started."""
    files = sorted(state_root().glob(cloud_file(Path("*")).as_posix()))
    for file in files:
        _show(CloudFile.read(file))
    if not files:
        print(f"nothing is running; start with `{project().command} up`")


def tools() -> None:
    """Every tool that a stack can use, so that nothing is fetched or built later."""
    origin.ensure(say)
    say("every tool is there")


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def _require_stack_file(stack: str) -> None:
    file = project().folder / f"Pulumi.{stack}.yaml"
    if not file.is_file():
        known = ", ".join(sorted(one.name for one in file.parent.glob("Pulumi.*.yaml"))) or "none"
        raise ProjectError(f"{file} is not there, and --stack is {stack}; stack files that are: {known}")


def _policy_config() -> Mapping[str, object]:
    file = project().policy_config
    return json.loads((project().folder / file).read_text()) if file else {}


def _show(described: CloudFile) -> None:
    print(f"stack {described.stack}, AWS at {described.aws_endpoint}")
    for one in running(described):
        print("  ".join(("", f"{one.region:12}", f"{one.what:40}", f"{one.state:14}", one.address)).rstrip())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m localcloud", description="A project's stacks on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in (("up", "start and deploy a stack"), ("down", "end and remove a stack")):
        command = commands.add_parser(name, help=purpose)
        command.add_argument("--stack", default=STACK, help=f"default {STACK}")
        if name == "up":
            command.add_argument("--region", action="append", help=f"may be given several times; default {REGION}")
    commands.add_parser("status", help="what runs where")
    commands.add_parser("tools", help="fetch or build every tool now")
    return parser.parse_args()


def main() -> int:
    """The command; known failures become a message and an exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    past_proxies(os.environ)
    wanted = _arguments()
    try:
        match wanted.command:
            case "up":
                up(wanted.stack, wanted.region or [REGION])
            case "down":
                down(wanted.stack)
            case "status":
                status()
            case "tools":
                tools()
    except ProjectError as error:
        print(error, file=sys.stderr)
        return 2
    except FAILURES as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
