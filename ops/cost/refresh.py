"""``contentgen prices``: reads the table's prices again from AWS's public price list, which asks for no account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

import httpx
import yaml

from ops.console import Report
from ops.cost.book import Row, Table, load
from ops.report.events import Json, Object

AWS_PRICE_LIST: Final = "https://pricing.us-east-1.amazonaws.com"
TIMEOUT_SECONDS: Final = 300.0


class PriceListError(Exception):
    """The list cannot be reached, or it is not what it was; what it does not say stays as it is."""


@dataclass(frozen=True)
class Moved:
    """A price that is another one today."""

    item: str
    region: str
    was: float
    is_: float


def refresh_prices(folder: Path, address: str, report: Report, *, write: bool) -> None:
    """Print every price that changed, and with ``write`` put it into the table with today's date.

    Raises PriceListError when the list cannot be read, and, after all others are written, for items that match no price
    of it or several.
    """
    table = load(folder).table
    moved: list[Moved] = []
    unclear: list[str] = []
    # One list at a time is kept: the same one serves all items of its service and region.
    asked = ((row, region) for row in table.prices if row.offer for region in row.usd)
    offers = lru_cache(maxsize=1)(partial(_offer, address))
    for row, region in sorted(asked, key=lambda one: (one[0].offer, one[1])):
        found = prices_in(offers(row.offer, region), row.match)
        if len(found) != 1:
            unclear.append(f"{row.item} in {region}: {len(found)} prices match; allowed is one")
        elif found != {row.usd[region]}:
            moved.append(Moved(row.item, region, row.usd[region], found.pop()))
    for one in moved:
        report.line(f"{one.item} in {one.region}: {one.was:g} is now {one.is_:g}")
    listed = sum(1 for row in table.prices if row.offer)
    report.line(f"{listed} of {len(table.prices)} items are in the list; {len(moved)} prices moved")
    if write and moved:
        for file in folder.glob("*.yaml"):
            file.write_text(rewritten(file.read_text(), table, moved))
    if unclear:
        raise PriceListError("\n".join([*unclear, f"fix: the match of these items in {folder.name}"]))


def _offer(address: str, offer: str, region: str) -> Object:
    """One service's list in one region: some ten megabytes."""
    url = f"{address}/offers/v1.0/aws/{offer}/current/{region}/index.json"
    try:
        answer = httpx.get(url, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        found: Json = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise PriceListError(f"{url}: {error}; the table stays as it is") from None
    if not isinstance(found, dict) or "products" not in found or "terms" not in found:
        raise PriceListError(f"{url} holds no products and terms; the table stays as it is")
    return found


def prices_in(offer: Object, match: Mapping[str, str]) -> set[float]:
    """The prices on demand of the products with these attributes; of one with tiers that of the first."""
    products = _object(offer.get("products"))
    skus = [sku for sku, product in products.items() if _matches(_object(product), match)]
    terms = _object(_object(offer.get("terms")).get("OnDemand"))
    return {price for sku in skus for price in _prices(_object(terms.get(sku)))}


def _matches(product: Object, match: Mapping[str, str]) -> bool:
    attributes = {**_object(product.get("attributes")), "productFamily": product.get("productFamily")}
    return all(attributes.get(key) == value for key, value in match.items())


def _prices(terms: Object) -> Iterator[float]:
    for term in terms.values():
        for dimension in _object(_object(term).get("priceDimensions")).values():
            usd = _object(_object(dimension).get("pricePerUnit")).get("USD")
            first = _object(dimension).get("beginRange") in (None, "0")
            if first and isinstance(usd, str) and float(usd) > 0:
                yield float(usd)


def rewritten(text: str, table: Table, moved: list[Moved]) -> str:
    """The table's text with the new prices and today's date on their rows; its head and its other lines stay."""
    today = datetime.now(UTC).date().isoformat()
    by_item: dict[str, dict[str, float]] = {}
    for one in moved:
        by_item.setdefault(one.item, {})[one.region] = one.is_
    lines = []
    for line in text.splitlines():
        row = _row_of(line, table)
        lines.append(line if row is None or row.item not in by_item else _written(row, by_item[row.item], today))
    return "\n".join(lines) + "\n"


def _row_of(line: str, table: Table) -> Row | None:
    return next((row for row in table.prices if line.startswith(f"  - {{item: {row.item},")), None)


def _written(row: Row, prices: Mapping[str, float], today: str) -> str:
    values = {**row.model_dump(exclude_defaults=True), "usd": {**row.usd, **prices}, "read": today}
    flow = yaml.safe_dump(values, default_flow_style=True, sort_keys=False, width=10_000).strip()
    return f"  - {flow}"


def _object(value: Json) -> Object:
    return value if isinstance(value, dict) else {}
