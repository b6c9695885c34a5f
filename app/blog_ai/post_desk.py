"""The desk of blog-ai: posts are researched before they are written."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.blog_ai.posts import POST
from app.blog_ai.research.research import research
from app.services import Services
from app.writers.desk import Desk, desk


@asynccontextmanager
async def post_desk(services: Services) -> AsyncIterator[Desk]:
    """The desk of the settings' providers, with research where there is a search engine's key."""
    async with research(services) as found, desk(services, POST, found.prepare) as built:
        yield built
