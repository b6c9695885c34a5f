"""`python -m app`: what the image can do. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration."""

import asyncio
from enum import StrEnum
from typing import Annotated

import structlog
import typer

from app import data_commands, operating
from app.added import added
from app.cli_base import (
    ProductOption,
    allowed,
    configured,
    configured_alone,
    configured_for,
    configured_gateway,
    configured_worker,
    reported,
)
from app.process_settings import ProcessSettings
from app.processors import processors, workers_problem
from app.products import Product, history_of
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


class ServeRole(StrEnum):
    """The roles that answer requests."""

    CPM = "cpm"
    IM = "im"
    FRONTEND = "frontend"
    WORKFLOWS = "workflows"
    WORKFLOWS_PAGE = "workflows-page"
    BLOG_AI = "blog-ai"
    RECIPES = "recipes"
    RECIPES_PAGE = "recipes-page"
    VIDEOS = "videos"
    VIDEOS_PAGE = "videos-page"
    ADDED = "added"


def _settings_of(role: ServeRole, product: str) -> ProcessSettings:
    """Settings of a role, or every configuration error on standard error and exit code 2."""
    if role is ServeRole.ADDED:
        missing = f"--product: '{product}' is no added product; those are {', '.join(added()) or 'none'}"
        allowed(None if product in added() else missing)
        return configured_for(product, task=False)
    if role is ServeRole.WORKFLOWS:
        return configured_for(Product.WORKFLOW_DASHBOARD, task=False)
    if role is ServeRole.WORKFLOWS_PAGE:
        from app.workflow_dashboard.settings import DashboardPageSettings

        return configured_alone(DashboardPageSettings)
    if role is ServeRole.BLOG_AI:
        from app.blog_ai.settings import BlogSettings

        return configured(BlogSettings, writes=True)
    if role is ServeRole.RECIPES:
        return configured_for(Product.RECIPE_APP, task=False)
    if role is ServeRole.RECIPES_PAGE:
        from app.recipe_app.settings import RecipePageSettings

        return configured_alone(RecipePageSettings)
    if role is ServeRole.VIDEOS:
        return configured_gateway()
    if role is ServeRole.VIDEOS_PAGE:
        from app.video_gateway.settings import GatewayPageSettings

        return configured_alone(GatewayPageSettings)
    return configured_alone() if role is ServeRole.FRONTEND else configured(writes=role is ServeRole.IM)


@main.command()
def serve(
    role: Annotated[
        ServeRole,
        typer.Option(
            help="cpm: requests, im: writing, frontend: the page; workflows, workflows-page: workflow-dashboard's;"
            " blog-ai: the whole product on two ports; recipes, recipes-page: recipe-app's;"
            " videos, videos-page: video-gateway's; added: the one of --product, where no role here"
            " is its own."
        ),
    ],
    product: ProductOption = Product.CONTENT_GENERATION,
) -> None:
    """Serve a role on PORT until a signal."""
    from app.server import ADDED
    from app.server import serve as run

    settings = _settings_of(role, product)
    allowed(workers_problem(settings.uvicorn_workers, processors()))
    run(settings, ADDED + product if role is ServeRole.ADDED else role)


@main.command()
def worker(
    queue: Annotated[Queue, typer.Option(help="Queue of the product; recipe-app has both.")] = Queue.TEXTS,
    product: ProductOption = Product.CONTENT_GENERATION,
) -> None:
    """Take jobs from a queue until a signal; /health, /ready and /metrics on PORT."""
    from app.server import serve as run

    settings, role = configured_worker(product, queue)
    run(settings, role)


@main.command()
def migrate(product: ProductOption = Product.CONTENT_GENERATION) -> None:
    """Bring the database to this release; safe to run twice and at the same time."""
    from app.migrate import migrate as run

    settings = configured_for(product, task=True)
    with reported("migration"):
        done = asyncio.run(run(settings, history=history_of(product)))
        structlog.get_logger("app").info("migrated", version=done.version, partitions=list(done.partitions))
