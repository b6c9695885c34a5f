"""Parts of video-gateway."""

from typing import Final

from app.product import Process, Product

PRODUCT: Final = Product(
    settings="app.video_gateway.settings:GatewaySettings",
    task_settings="app.video_gateway.settings:GatewayTaskSettings",
    history="app.video_gateway.history:HISTORY",
    chores="app.video_gateway.upkeep:chores",
    aftercare="app.video_gateway.upkeep:AFTERCARE",
    processes={
        "videos": Process(
            "videos, which it renders too",
            "app.video_gateway.application:from_environment",
            "app.video_gateway.settings:serving_settings",
            many=False,
        ),
        "videos-page": Process(
            "their page",
            "app.video_gateway.frontend:from_environment",
            "app.video_gateway.settings:GatewayPageSettings",
        ),
    },
)
