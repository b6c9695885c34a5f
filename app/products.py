"""Products that the image serves, and what the commands of each need: settings, migrations, care of the database.

Each is imported when it is asked for, so that a process pays for its own product alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.chores import Chore, Schedule
    from app.history import History
    from app.restore import Aftercare
    from app.service_settings import ServiceSettings


class Product(StrEnum):
    """Products of the platform."""

    CONTENT_GENERATION = "content-generation"
    WORKFLOW_DASHBOARD = "workflow-dashboard"
    BLOG_AI = "blog-ai"
    RECIPE_APP = "recipe-app"
    VIDEO_GATEWAY = "video-gateway"


def settings_of(product: Product, *, task: bool) -> type[ServiceSettings]:
    """Settings of a product's commands; a ``task`` goes around the pooler, everything else through it."""
    if product is Product.WORKFLOW_DASHBOARD:
        from app.workflow_dashboard.settings import DashboardSettings, DashboardTaskSettings

        return DashboardTaskSettings if task else DashboardSettings
    if product is Product.BLOG_AI:
        from app.blog_ai.settings import BlogSettings

        return BlogSettings
    if product is Product.RECIPE_APP:
        from app.recipe_app.settings import RecipeSettings, RecipeTaskSettings

        return RecipeTaskSettings if task else RecipeSettings
    if product is Product.VIDEO_GATEWAY:
        from app.video_gateway.settings import GatewaySettings, GatewayTaskSettings

        return GatewayTaskSettings if task else GatewaySettings
    from app.settings import Settings

    return Settings


def history_of(product: Product) -> History:
    """A product's migrations."""
    if product is Product.WORKFLOW_DASHBOARD:
        from app.workflow_dashboard.history import HISTORY

        return HISTORY
    if product is Product.BLOG_AI:
        from app.blog_ai.history import HISTORY as OF_BLOG_AI

        return OF_BLOG_AI
    if product is Product.RECIPE_APP:
        from app.recipe_app.history import HISTORY as OF_RECIPES

        return OF_RECIPES
    if product is Product.VIDEO_GATEWAY:
        from app.video_gateway.history import HISTORY as OF_VIDEOS

        return OF_VIDEOS
    from app.content_history import CONTENT

    return CONTENT


def chores_of(product: Product, settings: ServiceSettings) -> Mapping[Schedule, Sequence[Chore]]:
    """Care of a product's data, by schedule."""
    if product is Product.WORKFLOW_DASHBOARD:
        from app.workflow_dashboard.upkeep import CHORES

        return CHORES
    if product is Product.BLOG_AI:
        from app.blog_ai.upkeep import CHORES as OF_BLOG_AI

        return OF_BLOG_AI
    if product is Product.RECIPE_APP:
        from app.recipe_app.settings import RecipeSettings
        from app.recipe_app.upkeep import chores

        assert isinstance(settings, RecipeSettings)
        return chores(settings)
    if product is Product.VIDEO_GATEWAY:
        from app.video_gateway.settings import GatewaySettings
        from app.video_gateway.upkeep import chores as of_videos

        assert isinstance(settings, GatewaySettings)
        return of_videos(settings)
    from app.maintenance import CHORES as OF_CONTENT

    return OF_CONTENT


def aftercare_of(product: Product) -> Aftercare:
    """Steps that complete a restored copy of a product's database."""
    from app.restore import complete_content, complete_nothing, granting

    if product is Product.BLOG_AI:
        from app.blog_ai.tables import OWNED

        return partial(complete_content, more=OWNED)
    if product is Product.RECIPE_APP:
        from app.recipe_app.history import CLIENTS_TABLES

        return granting(*CLIENTS_TABLES)
    if product is Product.VIDEO_GATEWAY:
        from app.video_gateway.history import CLIENTS_TABLES as OF_VIDEOS

        return granting(*OF_VIDEOS)
    return complete_nothing if product is Product.WORKFLOW_DASHBOARD else complete_content


def paths_of(product: Product) -> Sequence[str]:
    """Health endpoints of a product."""
    from app.checkup import ENDPOINTS, EVERY_PRODUCTS

    without_payments = product in (Product.WORKFLOW_DASHBOARD, Product.VIDEO_GATEWAY)
    return EVERY_PRODUCTS if without_payments else ENDPOINTS
