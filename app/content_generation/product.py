"""Parts of content-generation."""

from typing import Final

from app.product import Process, Product
from app.queue_names import Queue

PRODUCT: Final = Product(
    settings="app.settings:Settings",
    task_settings="app.settings:Settings",
    history="app.content_history:CONTENT",
    chores="app.maintenance:CHORES",
    aftercare="app.restore:complete_content",
    processes={
        "cpm": Process("requests", "app.api.application:cpm", "app.settings:Settings"),
        "im": Process("writing", "app.api.application:im", "app.settings:writing_settings"),
        "frontend": Process("the page", "app.frontend:from_environment", "app.process_settings:ProcessSettings"),
    },
    workers={
        Queue.TEXTS: Process("texts", "app.api.application:worker", "app.settings:working_settings", many=False),
    },
    takes_payments=True,
)
