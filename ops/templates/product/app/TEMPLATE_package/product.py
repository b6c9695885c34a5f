"""Parts of TEMPLATE_name."""

from typing import Final

from app.product import Process, Product

PRODUCT: Final = Product(
    settings="app.TEMPLATE_package.settings:Settings",
    task_settings="app.TEMPLATE_package.settings:TaskSettings",
    history="app.TEMPLATE_package.history:HISTORY",
    chores="app.chores:CARE",
    aftercare="app.restore:complete_nothing",
    processes={
        "TEMPLATE_name": Process(
            "API and page",
            "app.TEMPLATE_package.application:from_environment",
            "app.TEMPLATE_package.settings:Settings",
        ),
    },
)
