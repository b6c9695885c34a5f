"""The floor of the benchmark: a FastAPI endpoint that validates PRODUCT's body and does the same INSERT, no more."""

import importlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
from fastapi import FastAPI
from pydantic import BaseModel

from tests.load.products.registry import product_of

_PRODUCT = product_of(os.environ["PRODUCT"])
_FLOOR = _PRODUCT.floor
_MODULE, _, _NAME = _FLOOR.model.partition(":")
Body: type[BaseModel] = getattr(importlib.import_module(_MODULE), _NAME)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=10, max_size=10)
    await app.state.pool.execute(f"CREATE TABLE IF NOT EXISTS bare ({_FLOOR.columns})")
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=_lifespan)


@app.post(_PRODUCT.main.path, status_code=_PRODUCT.accepted)
async def accept(body: Body) -> dict[str, str]:  # type: ignore[valid-type]
    """One committed row."""
    made = str(uuid4())
    await app.state.pool.execute(_FLOOR.insert, made, *(_column(getattr(body, name)) for name in _FLOOR.fields))
    return {_PRODUCT.id_field: made}


def _column(value: object) -> object:
    return json.dumps(value) if isinstance(value, tuple) else value
