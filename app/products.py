"""Products that the image serves, and what the commands of each need: settings, migrations, care of the database.

Each is imported when it is asked for, so that a process pays for its own product alone. A product of ``Product`` is
named here; any other is a folder of its own (``app.added``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from app.added import added, parts_of

if TYPE_CHECKING:
    from app.chores import Chore, Schedule
    from app.history import History
    from app.restore import Aftercare
    from app.service_settings import ServiceSettings


class Product(StrEnum):
    """Products that are named here. Being strings, they stand beside the names of added products."""

    CONTENT_GENERATION = "content-generation"
    WORKFLOW_DASHBOARD = "workflow-dashboard"
    BLOG_AI = "blog-ai"
    RECIPE_APP = "recipe-app"
    VIDEO_GATEWAY = "video-gateway"


def names() -> tuple[str, ...]:
    """Names of all products, as ``--product`` and PRODUCT give them."""
    return (*Product, *added())


def settings_of(product: str, *, task: bool) -> type[ServiceSettings]:
    """Settings of a product's commands; a ``task`` goes around the pooler, everything else through it."""
    if product in added():
        parts = parts_of(product)
        return parts.task_settings if task else parts.settings
    if product == Product.WORKFLOW_DASHBOARD:
        from app.workflow_dashboard.settings import DashboardSettings, DashboardTaskSettings

        return DashboardTaskSettings if task else DashboardSettings
    if product == Product.BLOG_AI:
        from app.blog_ai.settings import BlogSettings

        return BlogSettings
    if product == Product.RECIPE_APP:
        from app.recipe_app.settings import RecipeSettings, RecipeTaskSettings

        return RecipeTaskSettings if task else RecipeSettings
    if product == Product.VIDEO_GATEWAY:
        from app.video_gateway.settings import GatewaySettings, GatewayTaskSettings

        return GatewayTaskSettings if task else GatewaySettings
    from app.settings import Settings

    return Settings


def history_of(product: str) -> History:
    """A product's migrations."""
    if product in added():
        return parts_of(product).history
    if product == Product.WORKFLOW_DASHBOARD:
        from app.workflow_dashboard.history import HISTORY

        return HISTORY
    if product == Product.BLOG_AI:
        from app.blog_ai.history import HISTORY as OF_BLOG_AI

        return OF_BLOG_AI
    if product == Product.RECIPE_APP:
        from app.recipe_app.history import HISTORY as OF_RECIPES

        return OF_RECIPES
    if product == Product.VIDEO_GATEWAY:
        from app.video_gateway.history import HISTORY as OF_VIDEOS

        return OF_VIDEOS
    from app.content_history import CONTENT

    return CONTENT


def chores_of(product: str, settings: ServiceSettings) -> Mapping[Schedule, Sequence[Chore]]:
    """Care of a product's data, by schedule."""
    if product in added():
        return parts_of(product).chores
    if product == Product.WORKFLOW_DASHBOARD:
        from app.workflow_dashboard.upkeep import CHORES

        return CHORES
    if product == Product.BLOG_AI:
        from app.blog_ai.upkeep import CHORES as OF_BLOG_AI

        return OF_BLOG_AI
    if product == Product.RECIPE_APP:
        from app.recipe_app.settings import RecipeSettings
        from app.recipe_app.upkeep import chores

        assert isinstance(settings, RecipeSettings)
        return chores(settings)
    if product == Product.VIDEO_GATEWAY:
        from app.video_gateway.settings import GatewaySettings
        from app.video_gateway.upkeep import chores as of_videos

        assert isinstance(settings, GatewaySettings)
        return of_videos(settings)
    from app.maintenance import CHORES as OF_CONTENT

    return OF_CONTENT


def aftercare_of(product: str) -> Aftercare:
    """Steps that complete a restored copy of a product's database."""
    from app.restore import complete_content, complete_nothing, granting

    if product in added():
        return parts_of(product).aftercare
    if product == Product.BLOG_AI:
        from app.blog_ai.tables import OWNED

        return partial(complete_content, more=OWNED)
    if product == Product.RECIPE_APP:
        from app.recipe_app.history import CLIENTS_TABLES

        return granting(*CLIENTS_TABLES)
    if product == Product.VIDEO_GATEWAY:
        from app.video_gateway.history import CLIENTS_TABLES as OF_VIDEOS

        return granting(*OF_VIDEOS)
    return complete_nothing if product == Product.WORKFLOW_DASHBOARD else complete_content


def paths_of(product: str) -> Sequence[str]:
    """Health endpoints of a product."""
    from app.checkup import ENDPOINTS, EVERY_PRODUCTS

    without_payments = product in (Product.WORKFLOW_DASHBOARD, Product.VIDEO_GATEWAY, *added())
    return EVERY_PRODUCTS if without_payments else ENDPOINTS
