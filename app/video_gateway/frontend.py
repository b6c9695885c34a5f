"""The front end of video-gateway: its page, which asks the API below /api/ of its own host."""

from typing import Final

from fastapi import FastAPI

from app import frontend
from app.lifecycle import Lifecycle
from app.page_files import COMMON, Page, page_router
from app.process_settings import ProcessSettings
from app.video_gateway.settings import GatewayPageSettings

PAGE: Final = Page(
    ("app.video_gateway", "app"),
    ("videos.js", "video.js", "media.js", "patience.js", *COMMON, "videos.css"),
)


def create(settings: ProcessSettings, lifecycle: Lifecycle) -> FastAPI:
    """The page at / and its files."""
    return frontend.create(settings, lifecycle, page_router(PAGE))


def from_environment(lifecycle: Lifecycle) -> FastAPI:
    """Entry point of a server process: settings and logs first."""
    return frontend.from_environment(lifecycle, GatewayPageSettings, page_router(PAGE))
