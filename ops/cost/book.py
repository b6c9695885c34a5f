"""The price table: one row a price, by region, with where and when it was read. ops/cost/prices.yaml is the table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, Field

TABLE: Final = Path(__file__).parent / "prices.yaml"
HOURS_A_MONTH: Final = 730.0


class Row(BaseModel):
    """A price in USD a ``unit``, by region; ``any`` stands for all. ``offer`` and ``match`` find it in AWS's list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    item: str
    unit: str
    usd: Mapping[str, float]
    source: str
    read: str
    offer: str = ""
    match: Mapping[str, str] = Field(default_factory=dict)


class Table(BaseModel):
    """Prices, what is assumed of use, and the types that cost nothing by themselves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prices: tuple[Row, ...]
    assumptions: Mapping[str, float]
    free: tuple[str, ...]


class UnknownPriceError(LookupError):
    """The table has no such price; the resource is reported as unpriced, never as free."""


class Book:
    """Prices by item and region."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._rows = {row.item: row for row in table.prices}
        self.free: frozenset[str] = frozenset(table.free)
        self.oldest = min(_day(row.read) for row in table.prices) if table.prices else date.max

    def price(self, item: str, region: str) -> float:
        """USD a unit. Raises UnknownPriceError with the item and the region."""
        row = self._rows.get(item)
        prices = row.usd if row else {}
        found = prices.get(region, prices.get("any"))
        if found is None:
            raise UnknownPriceError(f"{item} in {region}")
        return found

    def assumed(self, name: str) -> float:
        """A stated assumption about use."""
        return self.table.assumptions[name]


def _day(read: str) -> date:
    """The day of a reading; the first of its month where no day is given."""
    return date.fromisoformat(read if read.count("-") > 1 else f"{read}-01")


def load(path: Path = TABLE) -> Book:
    """The table of the repository."""
    return Book(Table.model_validate(yaml.safe_load(path.read_text())))
