"""Migrations of blog-ai's database: content generation's, then its own."""

from typing import Final

from app.content_history import CONTENT
from app.history import History

HISTORY: Final = History("blog-ai", "app.blog_ai.migrations", "alembic_version_blog_ai", base=CONTENT)
