"""A product as a load test sees it: what is asked of it, how its work is counted, and the floor that it is compared to.

Plain data of the standard library alone: locust replaces the sockets of whatever it imports.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

OPEN = ("pending", "in_progress")
LOOKS = 2
"""Weight of a look at one of the last jobs (T01)."""


def _status(answer: Mapping[str, Any], _: str) -> str:
    return str(answer["status"])


@dataclass(frozen=True)
class Ask:
    """One kind of request that makes something.

    name: name in the statistics.
    weight: how often it is sent, beside the others and `LOOKS`.
    path: where it is sent; with `{of}` for the id of something that the client made before.
    look: where what it made is seen; with `{id}` for the id in its answer, and `{of}`.
    body: the body for a number, each number another one, with a random priority.
    made: query of all that was made: id, status and attempt.
    state: the state of what has an id, in the answer to a look.
    """

    name: str
    weight: int
    path: str
    look: str
    body: Callable[[int], Mapping[str, object]]
    made: str
    state: Callable[[Mapping[str, Any], str], str] = _status


@dataclass(frozen=True)
class Role:
    """A process of a product.

    name: name of its log, and by which `variables` of later ones may give its address (`{im}`).
    command: arguments of `python -m app`.
    variables: variables of its own.
    """

    name: str
    command: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Spot:
    """The part of a product that may lose its node at any moment.

    role: the process on the node.
    ask: what it does.
    """

    role: Role
    ask: Ask


@dataclass(frozen=True)
class Floor:
    """The least that a main request can cost: a validated body and one committed row with the same columns.

    model: `module:class` of the product's own body.
    columns: columns of the table `bare`, as SQL.
    insert: the statement that writes a row; `$1` is a new id.
    fields: fields of the body that are `$2` and so on; lists are written as JSON.
    """

    model: str
    columns: str
    insert: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Product:
    """Everything that a load test has to know of a product.

    name: name of the product.
    asks: its requests; the first is the main one.
    id_field: field of an answer that has the id.
    accepted: status of an answer that promises something.
    done: state in the end, when all went well.
    tables: tables to forget between two runs.
    api: the process that answers.
    workers: processes that do the work beside it, in order of their start.
    page: the process of the page.
    listing: where what there is is listed.
    floor: what the main request is compared to.
    bucket: whether videos are stored in a bucket.
    spot: what runs on spot capacity, if anything does.
    """

    name: str
    asks: tuple[Ask, ...]
    id_field: str
    accepted: int
    done: str
    tables: tuple[str, ...]
    api: Role
    workers: tuple[Role, ...]
    page: Role | None
    listing: str
    floor: Floor
    bucket: bool = False
    spot: Spot | None = None

    @property
    def main(self) -> Ask:
        """The request that a product is measured by."""
        return self.asks[0]
