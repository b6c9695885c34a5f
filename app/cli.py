"""`python -m app`: what the image can do. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration."""

import asyncio
from typing import Annotated, Final

import structlog
import typer

from app import data_commands, operating
from app.cli_base import ProductOption, allowed, configured_for, configured_process, configured_worker, reported
from app.processors import processors, workers_problem
from app.products import DEFAULT, history_of, processes
from app.queue_names import Queue

main = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
main.add_typer(operating.keys, name="keys")
main.add_typer(operating.flags, name="flags")
main.command()(operating.mode)
main.command()(operating.health)
main.command()(operating.database)
main.command()(operating.maintenance)
main.command()(data_commands.backup)
main.command()(data_commands.restore)
main.command()(data_commands.restore_check)
main.command()(data_commands.seed)
main.command()(data_commands.anonymise)


def _served(role: str) -> str:
    if role not in processes():
        raise typer.BadParameter(f"'{role}' is no role; roles are {', '.join(processes())}")
    return role


ROLES: Final = "; ".join(f"{role}: {process.help}" for role, process in processes().items())


@main.command()
def serve(role: Annotated[str, typer.Option(parser=_served, help=f"Process to be: {ROLES}.")]) -> None:
    """Serve a role on PORT until a signal."""
    from app.server import serve as run

    process = processes()[role]
    settings = configured_process(process)
    allowed(workers_problem(settings.uvicorn_workers, processors()))
    run(settings, process)


@main.command()
def worker(
    queue: Annotated[Queue, typer.Option(help="Queue of the product; recipe-app has both.")] = Queue.TEXTS,
    product: ProductOption = DEFAULT,
) -> None:
    """Take jobs from a queue until a signal; /health, /ready and /metrics on PORT."""
    from app.server import serve as run

    process = configured_worker(product, queue)
    run(configured_process(process), process)


@main.command()
def migrate(product: ProductOption = DEFAULT) -> None:
    """Bring the database to this release; safe to run twice and at the same time."""
    from app.migrate import migrate as run

    settings = configured_for(product, task=True)
    with reported("migration"):
        done = asyncio.run(run(settings, history=history_of(product)))
        structlog.get_logger("app").info("migrated", version=done.version, partitions=list(done.partitions))
