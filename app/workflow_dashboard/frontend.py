"""The front end of workflow-dashboard: its page, which asks the back end below /api/ of its own host."""

from typing import Final

from fastapi import FastAPI

from app import frontend
from app.lifecycle import Lifecycle
from app.page_files import COMMON, Page, page_router
from app.process_settings import ProcessSettings
from app.workflow_dashboard.settings import DashboardPageSettings

PAGE: Final = Page(
    ("app.workflow_dashboard", "app"),
    ("dashboard.js", "workflow.js", *COMMON, "dashboard.css"),
)


def create(settings: ProcessSettings, lifecycle: Lifecycle) -> FastAPI:
    """The page at / and its files."""
    return frontend.create(settings, lifecycle, page_router(PAGE))


def from_environment(lifecycle: Lifecycle) -> FastAPI:
    """Entry point of a server process: settings and logs first."""
    return frontend.from_environment(lifecycle, DashboardPageSettings, page_router(PAGE))
