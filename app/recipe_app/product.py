"""Parts of recipe-app."""

from typing import Final

from app.product import Process, Product
from app.queue_names import Queue

PRODUCT: Final = Product(
    settings="app.recipe_app.settings:RecipeSettings",
    task_settings="app.recipe_app.settings:RecipeTaskSettings",
    history="app.recipe_app.history:HISTORY",
    chores="app.recipe_app.upkeep:chores",
    aftercare="app.recipe_app.upkeep:AFTERCARE",
    processes={
        "recipes": Process(
            "recipes", "app.recipe_app.application:from_environment", "app.recipe_app.settings:RecipeSettings"
        ),
        "recipes-page": Process(
            "their page", "app.recipe_app.frontend:from_environment", "app.recipe_app.settings:RecipePageSettings"
        ),
    },
    workers={
        Queue.TEXTS: Process(
            "recipes", "app.recipe_app.application:text_worker", "app.recipe_app.settings:text_settings", many=False
        ),
        Queue.VIDEOS: Process(
            "videos", "app.recipe_app.application:video_worker", "app.recipe_app.settings:video_settings", many=False
        ),
    },
)
