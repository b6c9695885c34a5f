"""The page of content generation at /."""

from app.page_files import Page, page_router

router = page_router(Page(("app",), ("page.js", "frame.js", "session.js", "page.css", "icon.svg")))
