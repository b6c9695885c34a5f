"""Products that load tests know."""

from types import MappingProxyType

from tests.load.product import Product
from tests.load.products.blog_ai import BLOG_AI
from tests.load.products.content_generation import CONTENT_GENERATION
from tests.load.products.recipe_app import RECIPE_APP
from tests.load.products.video_gateway import VIDEO_GATEWAY
from tests.load.products.workflow_dashboard import WORKFLOW_DASHBOARD

PRODUCTS = MappingProxyType(
    {one.name: one for one in (CONTENT_GENERATION, WORKFLOW_DASHBOARD, BLOG_AI, RECIPE_APP, VIDEO_GATEWAY)}
)


def product_of(name: str) -> Product:
    """The product of a name. Raises SystemExit with the names there are."""
    if name not in PRODUCTS:
        raise SystemExit(f"PRODUCT={name}: no load test knows it; there are {', '.join(PRODUCTS)}")
    return PRODUCTS[name]
