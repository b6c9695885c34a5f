"""blog-ai: one process answers, shows the page and writes."""

from tests.load.product import Product, Role
from tests.load.products.texts import ASKS, FLOOR, TABLES

BLOG_AI = Product(
    name="blog-ai",
    asks=ASKS,
    id_field="job_id",
    accepted=202,
    done="completed",
    tables=TABLES,
    api=Role("blog-ai", ("serve", "--role", "blog-ai"), {"FRONTEND_PORT": "{other}", "BACKEND_PORT": "{port}"}),
    workers=(),
    page=None,
    listing="/jobs",
    floor=FLOOR,
)
