"""content-generation: an API, a worker, and im that writes."""

from tests.load.product import Product, Role
from tests.load.products.texts import ASKS, FLOOR, TABLES

CONTENT_GENERATION = Product(
    name="content-generation",
    asks=ASKS,
    id_field="job_id",
    accepted=202,
    done="completed",
    tables=TABLES,
    api=Role("cpm", ("serve", "--role", "cpm")),
    workers=(Role("im", ("serve", "--role", "im")), Role("worker", ("worker",), {"IM_URL": "{im}"})),
    page=Role("frontend", ("serve", "--role", "frontend")),
    listing="/jobs",
    floor=FLOOR,
)
