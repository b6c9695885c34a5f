"""Parts of blog-ai."""

from typing import Final

from app.product import Process, Product

PRODUCT: Final = Product(
    settings="app.blog_ai.settings:BlogSettings",
    task_settings="app.blog_ai.settings:BlogSettings",
    history="app.blog_ai.history:HISTORY",
    chores="app.blog_ai.upkeep:CHORES",
    aftercare="app.blog_ai.upkeep:AFTERCARE",
    processes={
        "blog-ai": Process(
            "the whole product on two ports",
            "app.blog_ai.application:from_environment",
            "app.blog_ai.settings:serving_settings",
        ),
    },
    takes_payments=True,
)
