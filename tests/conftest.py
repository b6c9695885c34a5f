"""Rows of docs/requirements.yaml that a test proves: checked when tests are collected, written into the report."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import lean_imports
from ops.requirements import PROPERTY, ROWS, read_rows

pytest_plugins = ["pytester"]
ROOT = Path(__file__).resolve().parent.parent
# The cloud SDKs are half a million objects that stay: looking through them ever again was a fifth of the unit tier.
gc.set_threshold(100_000, 50, 100)
lean_imports.install()


def pytest_collection_finish() -> None:
    """Freeze what is imported by now: it stays for good, and no collection needs to look at it."""
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """An id that no row has is a typing error, and would make a row look open for ever."""
    known = {row.id for row in read_rows((ROOT / ROWS).read_text())}
    wrong = []
    for item in items:
        ids = [id_ for marker in item.iter_markers(PROPERTY) for id_ in marker.args]
        item.user_properties += [(PROPERTY, id_) for id_ in ids]
        wrong += [f"{item.nodeid} carries {id_!r}" for id_ in ids if id_ not in known]
    if wrong:
        raise pytest.UsageError("\n".join([f"ids that {ROWS} does not have:", *wrong]))


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(autouse=True)
def _loop() -> Iterator[None]:
    """A loop for code that asks its thread for one, as Pulumi's test helper does: asyncio.run takes that away."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
