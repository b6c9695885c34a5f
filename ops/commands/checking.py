"""Commands about the project itself: what is checked, generated, explained and proven."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ops import deployment, exit_codes
from ops.checkout import CHECKOUT
from ops.commands.options import Json, Real, Stack
from ops.console import Report
from ops.cost.book import TABLE
from ops.cost.refresh import AWS_PRICE_LIST, refresh_prices
from ops.explaining import explain as explain_resource
from ops.generating import generate as generate_files
from ops.log_queries import QUERIES, ask_logs
from ops.proof.command import prove as prove_rows
from ops.proof.mutants import Tier
from ops.report.secrets import without_secrets
from ops.requirements import review
from ops.target import chosen as target_of
from ops.target import embedded


def check(stack: Annotated[str | None, typer.Argument(help="one stack; all when left out")] = None) -> None:
    """Check stack files without deploying anything."""
    deployment.check(stack, Report())


def generate(
    check: Annotated[bool, typer.Option("--check", help="only compare; 1 when a file differs")] = False,
) -> None:
    """Write the files that are made from the code: schema and page of the settings, configurations of the policies."""
    if not generate_files(CHECKOUT, Report(), check=check):
        raise typer.Exit(exit_codes.FAILED)


def explain(
    resource: Annotated[str, typer.Argument(help="URN, or the name of exactly one resource")],
    stack: Stack = "local",
    real: Real = False,
    as_json: Json = False,
) -> None:
    """Explain the policy pack's verdict on one resource of a running stack: each rule that reads it, the result, and
    why.
    """
    where = target_of(stack, Report(), os.environ, on_real=True) if real else embedded(deployment.running(stack))
    explain_resource(CHECKOUT, where, resource, Report(), as_json=as_json)


def prices(
    write: Annotated[bool, typer.Option("--write", help="write the table; else only show what differs")] = False,
) -> None:
    """Read the prices of ops/cost/prices again from AWS's public price list; 3 where it cannot be reached."""
    refresh_prices(TABLE, AWS_PRICE_LIST, Report(), write=write)


def logs(
    query: Annotated[str, typer.Argument(help=f"{', '.join(QUERIES)}")],
    files: Annotated[list[Path] | None, typer.Argument(help="of JSON lines; standard input when left out")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
) -> None:
    """Answer a ready question from the service's log lines; 2 for a question or a file that is not there."""
    ask_logs(query, files or [], Report(), as_json=as_json)


def redact() -> None:
    """Redact secrets from engine output on standard input, for an update that does not match its plan."""
    for line in without_secrets(sys.stdin):
        sys.stdout.write(line)


def requirements() -> None:
    """Show which requirements the last test run proved, and write docs/requirements.md."""
    review(CHECKOUT, Report())


def prove(
    row: Annotated[
        list[str] | None, typer.Option(help="a row or a group of generated mutants, any number; all when left out")
    ] = None,
    tier: Annotated[Tier, typer.Option(help="the tests that must notice: fast or engine")] = Tier.FAST,
    json: Json = False,
) -> None:
    """Break the code mutant by mutant: 0 when the rows' tests notice each one, 1 when not, 2 when the data is wrong."""
    if not prove_rows(CHECKOUT, Report(), rows=row or (), tier=tier, as_json=json):
        raise typer.Exit(exit_codes.FAILED)
