"""The commands an operator runs in the image: keys, flags, mode, maintenance."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from app.access.tiers import Tier
from app.chores import Schedule, run_chores
from app.cli_base import FAILED, ProductOption, configured_for, reported
from app.core_services import CoreServices, build_core
from app.lifecycle import Lifecycle
from app.products import DEFAULT, chores_of, history_of, paths_of
from app.schema import Schema
from app.switches import Mode

T = TypeVar("T")
keys = typer.Typer(no_args_is_help=True, help="API keys.")
flags = typer.Typer(no_args_is_help=True, help="Feature flags.")


def _with_services(what: str, product: str, work: Callable[[CoreServices], Awaitable[T]]) -> T:
    settings = configured_for(product, task=False)

    async def run() -> T:
        services = build_core(settings, Lifecycle(), Schema(history_of(product).parts()))
        try:
            return await work(services)
        finally:
            await services.close()

    with reported(what):
        return asyncio.run(run())


@keys.command("create")
def create_key(
    client_id: str,
    tier: Annotated[Tier, typer.Option(help="Its limits.")] = Tier.FREE,
    name: Annotated[str, typer.Option(help="Purpose of the key.")] = "",
    product: ProductOption = DEFAULT,
) -> None:
    """Make a key; its secret is printed this once."""
    key, secret = _with_services("key creation", product, lambda services: services.keys.create(client_id, name, tier))
    typer.echo(json.dumps({**key.model_dump(mode="json"), "secret": secret}))


@keys.command("list")
def list_keys(
    client_id: Annotated[str | None, typer.Option(help="Only this client's.")] = None,
    product: ProductOption = DEFAULT,
) -> None:
    """Show keys, one JSON object a line, without secrets."""
    for key in _with_services("key list", product, lambda services: services.keys.list(client_id)):
        typer.echo(key.model_dump_json())


@keys.command("revoke")
def revoke_key(key_id: str, product: ProductOption = DEFAULT) -> None:
    """Refuse a key from now on."""
    if not _with_services("key revocation", product, lambda services: services.keys.revoke(key_id)):
        typer.echo(f"there is no key '{key_id}' in force; `keys list` shows them", err=True)
        raise typer.Exit(FAILED)


@flags.command("list")
def list_flags(product: ProductOption = DEFAULT) -> None:
    """Show flags, one JSON object a line."""
    for flag in _with_services("flag list", product, lambda services: services.switchboard.refresh()).flags.values():
        typer.echo(flag.model_dump_json())


@flags.command("set")
def set_flag(
    name: str,
    percent: Annotated[float, typer.Option(min=0, max=100, help="Share of clients: 1, 10, 50, 100.")] = 100,
    off: Annotated[bool, typer.Option("--off", help="Turn it off for all clients, whatever the share.")] = False,
    product: ProductOption = DEFAULT,
) -> None:
    """Create or change a flag; in force everywhere within two seconds."""
    flag = _with_services(
        "flag change", product, lambda core: core.switchboard.set_flag(name, enabled=not off, percent=percent)
    )
    typer.echo(flag.model_dump_json())


def mode(mode: Mode, product: ProductOption = DEFAULT) -> None:
    """normal, read_only or maintenance; in force everywhere within two seconds."""
    _with_services("mode change", product, lambda services: services.switchboard.set_mode(mode))


def health(
    url: Annotated[str, typer.Argument(help="Address of the service.")] = "http://127.0.0.1:8000",
    page: Annotated[str | None, typer.Option(help="Address of the page; / is checked too.")] = None,
    product: ProductOption = DEFAULT,
) -> None:
    """Ask every health endpoint: PASS or FAIL each, exit code 1 when one fails."""
    from app.checkup import examine

    findings = list(examine(url, page, paths_of(product)))
    for finding in findings:
        typer.echo(finding)
    if not all(finding.good for finding in findings):
        raise typer.Exit(FAILED)


def database(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a question.")] = False,
    product: ProductOption = DEFAULT,
) -> None:
    """Slow statements, stuck ones, connections, sizes."""
    from dataclasses import asdict

    from app.inspection import inspect

    settings = configured_for(product, task=True)
    with reported("inspection"):
        for section in asyncio.run(inspect(settings)):
            typer.echo(json.dumps(asdict(section)) if as_json else "\n".join(section.lines()))


def maintenance(
    schedule: Schedule,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    product: ProductOption = DEFAULT,
) -> None:
    """Run the daily, weekly or monthly care; one JSON object a task, exit code 1 when one failed."""
    from dataclasses import asdict

    settings = configured_for(product, task=True)
    with reported("maintenance"):

        async def report() -> bool:
            good = True
            async for done in run_chores(settings, chores_of(product, settings)[schedule], dry_run=dry_run):
                typer.echo(json.dumps({**asdict(done), "dry_run": dry_run}))
                good = good and not done.error
            return good

        if not asyncio.run(report()):
            raise typer.Exit(FAILED)
