"""Commands for a stack on the embedded cloud."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from localcloud.toolchain import origin
from ops import deployment, doctoring, exit_codes, reporting, rotation
from ops.commands.options import Json, Real, Stack
from ops.console import Report
from ops.development import session as development
from ops.rotation import Step
from ops.sessions import CLIENT, SECONDS, token_of
from ops.target import chosen as target_of
from ops.target import embedded


def up(
    stack: Stack = "local",
    refresh: Annotated[
        bool, typer.Option(help="read the cloud first, so that changes made by hand are undone")
    ] = False,
) -> None:
    """Deploy a stack onto the embedded cloud and wait until it answers."""
    deployment.up(stack, Report(), refresh=refresh)


def dev(stack: Stack = "local") -> None:
    """Follow edits of the application in a running stack, with the logs of all pods; brings it up first."""
    development.dev(stack, Report())


def tools() -> None:
    """Fetch or build every tool that this machine lacks, those of the tests too."""
    report = Report()
    origin.ensure_all(report.step)
    report.step("every tool is there")


def preview(
    stack: Stack = "local", diff: Annotated[bool, typer.Option(help="show every changed property")] = False
) -> None:
    """Show what `up` would change, with the policy pack."""
    deployment.preview(stack, Report(), diff=diff)


def refresh(stack: Stack = "local") -> None:
    """Read every resource of a running stack back into its state."""
    deployment.refresh(stack, Report())


def rotate(
    stack: Stack = "local",
    write: Annotated[Step | None, typer.Option(help="write one step into the stack file and deploy nothing")] = None,
) -> None:
    """Renew the passwords of a stack's stores without downtime."""
    if write is None:
        rotation.rotate(stack, Report())
    else:
        rotation.write(stack, write, Report())


def down(
    stack: Annotated[str | None, typer.Option("--stack", "-s", help="one stack; all when left out")] = None,
    ordered: Annotated[bool, typer.Option(help="destroy every resource first, as on a real cloud")] = False,
) -> None:
    """Stop a stack's processes and remove its state."""
    deployment.down(stack, Report(), ordered=ordered)


def status(json: Json = False) -> None:
    """Show the running stacks, their processes and addresses."""
    reporting.status(Report(), as_json=json)


def doctor(json: Json = False) -> None:
    """List each tool with its version and origin, and the fix for a missing one."""
    if not doctoring.doctor(Report(), as_json=json):
        raise typer.Exit(exit_codes.MACHINE)


def token(
    stack: Stack = "local",
    real: Real = False,
    client: Annotated[str, typer.Option(help="client of the session")] = CLIENT,
    seconds: Annotated[int, typer.Option(min=60, max=86_400, help="lifetime of the session, seconds")] = SECONDS,
) -> None:
    """Print a session for trying a running stack whose API asks for a key: Authorization: Bearer TOKEN."""
    where = target_of(stack, Report(), os.environ, on_real=True) if real else embedded(deployment.running(stack))
    Report().line(token_of(where, client, seconds))
