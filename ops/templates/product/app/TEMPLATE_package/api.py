"""Routes of items."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.responses import Response

from app.api.callers import caller, parts
from app.api.owner import Owner
from app.api.problems import ProblemError, documented
from app.api.replies import shown
from app.core_services import CoreServices

from .store import Item, ItemStore, NewItem

router = APIRouter(prefix="/api", tags=["items"], dependencies=[Depends(caller)])


@dataclass(frozen=True, kw_only=True)
class ItemServices(CoreServices):
    """The parts that a request handler may use."""

    items: ItemStore


Services = Annotated[ItemServices, Depends(parts(ItemServices))]


@router.get("/items", responses=documented(401, 429, 503))
async def list_items(services: Services) -> list[Item]:
    """The newest items of all clients."""
    return await services.items.newest()


@router.post("/items", status_code=201, response_model=Item, responses=documented(400, 401, 413, 422, 429, 503))
async def create_item(body: NewItem, services: Services, owner: Owner) -> Response:
    """Make an item; it is its maker's."""
    made = await services.items.create(owner, body)
    return shown(made, 201, Location=f"/api/items/{made.id}")


@router.get("/items/{item}", response_model=Item, responses=documented(401, 404, 422, 429, 503))
async def get_item(item: UUID, services: Services) -> Response:
    """One item."""
    found = await services.items.get(item)
    if found is None:
        raise ProblemError(404, "There is no such item.", code="not_found")
    return shown(found)


@router.delete("/items/{item}", status_code=204, responses=documented(401, 404, 422, 429, 503))
async def delete_item(item: UUID, services: Services, owner: Owner) -> Response:
    """Delete an item of one's own."""
    if not await services.items.delete(owner, item):
        raise ProblemError(404, "There is no such item of yours.", code="not_found")
    return Response(status_code=204)
