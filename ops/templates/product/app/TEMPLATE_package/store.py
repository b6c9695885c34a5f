"""Items in Postgres: everyone sees them, their owner alone deletes them."""

from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from prometheus_client import Counter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import delete, insert, select

from app.database import Database
from app.domain import Line, Strict
from app.ids import uuid7

from .tables import items

TEXT_LENGTH: Final = 200
MADE: Final = Counter("items_made_total", "Items that were stored.")


class NewItem(Strict):
    """The body of POST /api/items."""

    text: Annotated[Line, StringConstraints(min_length=1, max_length=TEXT_LENGTH)] = Field(examples=["Buy milk"])


class Item(BaseModel):
    """An item as it is answered."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: UUID
    owner: str = Field(description="Client that made it, and alone may delete it.")
    text: str
    created_at: datetime


class ItemStore:
    """Items of one database."""

    def __init__(self, database: Database, rows: int) -> None:
        self._database = database
        self._rows = rows

    async def newest(self) -> list[Item]:
        """The newest items of all clients, newest first."""
        statement = select(items).order_by(items.c.id.desc()).limit(self._rows)
        return [Item.model_validate(row) for row in await self._database.rows(statement)]

    async def get(self, item: UUID) -> Item | None:
        """One item; None where there is none."""
        found = await self._database.rows(select(items).where(items.c.id == item), fresh=True)
        return Item.model_validate(found[0]) if found else None

    async def create(self, owner: str, new: NewItem) -> Item:
        """Store an item."""
        values = {"id": uuid7(int(datetime.now(UTC).timestamp() * 1000)), "owner": owner, "text": new.text}
        async with self._database.write() as connection:
            row = (await connection.execute(insert(items).values(values).returning(items))).one()
        MADE.inc()
        return Item.model_validate(row)

    async def delete(self, owner: str, item: UUID) -> bool:
        """Delete an item of that owner; False where it has none."""
        async with self._database.write() as connection:
            done = await connection.execute(delete(items).where(items.c.id == item, items.c.owner == owner))
        return done.rowcount == 1
