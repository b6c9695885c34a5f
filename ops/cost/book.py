"""The price table: one row a price, by region, with where and when it was read. ops/cost/prices holds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, Field

TABLE: Final = Path(__file__).parent / "prices"
HOURS_A_MONTH: Final = 730.0


class Row(BaseModel):
    """A price in USD a ``unit``, by region; ``any`` stands for all. ``offer`` and ``match`` find it in AWS's list.

    Every resource of the type ``of`` costs ``amount`` of it a month, which estimates tell as ``each``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    item: str
    unit: str
    usd: Mapping[str, float]
    source: str
    read: str
    offer: str = ""
    match: Mapping[str, str] = Field(default_factory=dict)
    of: str = ""
    amount: float = 1
    each: str = ""


class Table(BaseModel):
    """Prices, what is assumed of use, and the types that cost nothing by themselves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prices: tuple[Row, ...] = ()
    assumptions: Mapping[str, float] = Field(default_factory=dict)
    free: tuple[str, ...] = ()


class UnknownPriceError(LookupError):
    """The table has no such price; the resource is reported as unpriced, never as free."""


class Book:
    """Prices by item and region."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._rows = {row.item: row for row in table.prices}
        self._of: dict[str, list[Row]] = {}
        for row in table.prices:
            self._of.setdefault(row.of, []).append(row)
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

    def of(self, type_: str) -> list[Row]:
        """Rows that price each resource of a type by themselves, without a look at its inputs."""
        return self._of.get(type_, [])

    def assumed(self, name: str) -> float:
        """A stated assumption about use."""
        return self.table.assumptions[name]


def _day(read: str) -> date:
    """The day of a reading; the first of its month where no day is given."""
    return date.fromisoformat(read if read.count("-") > 1 else f"{read}-01")


def load(folder: Path = TABLE) -> Book:
    """The table of the repository, from all files of its folder. Raises ValueError for an item that is in it twice."""
    tables = [Table.model_validate(yaml.safe_load(file.read_text())) for file in sorted(folder.glob("*.yaml"))]
    rows = tuple(row for table in tables for row in table.prices)
    twice = sorted(item for item, count in Counter(row.item for row in rows).items() if count > 1)
    if twice:
        raise ValueError(f"{folder}: {', '.join(twice)} stands in it more than once; give each item one row")
    assumed = {name: amount for table in tables for name, amount in table.assumptions.items()}
    return Book(Table(prices=rows, assumptions=assumed, free=tuple(one for table in tables for one in table.free)))
