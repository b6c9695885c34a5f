"""The regions a stack may use, in their order of failover (requirement G02), and which clients each is home to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Continent(StrEnum):
    """Route 53's continent codes."""

    AFRICA = "AF"
    ANTARCTICA = "AN"
    ASIA = "AS"
    EUROPE = "EU"
    NORTH_AMERICA = "NA"
    OCEANIA = "OC"
    SOUTH_AMERICA = "SA"


@dataclass(frozen=True)
class Region:
    """AWS region.

    code: AWS's code, such as us-east-1.
    area: the documents' name.
    short: short form in job ids.
    home_of: continents whose clients it answers; a continent that no region claims is answered by latency.
    edges: airport codes of the documents' hosting whose part of the front end the region takes over (requirement A03).
    """

    code: str
    area: str
    short: str
    home_of: tuple[Continent, ...]
    edges: tuple[str, ...]


REGIONS: Final = (
    Region("us-east-1", "us-east", "use1", (Continent.NORTH_AMERICA, Continent.SOUTH_AMERICA), ("iad1", "sfo1")),
    Region("eu-west-1", "eu-west", "euw1", (Continent.EUROPE, Continent.AFRICA), ("lhr1",)),
    Region("ap-southeast-1", "asia-pacific", "apse1", (Continent.ASIA, Continent.OCEANIA), ("hnd1",)),
)

BY_CODE: Final = {region.code: region for region in REGIONS}


def in_priority_order(codes: tuple[str, ...]) -> tuple[Region, ...]:
    """The named regions in their order of failover, whatever order a stack file lists them in."""
    return tuple(region for region in REGIONS if region.code in codes)
