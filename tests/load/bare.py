"""The floor of the benchmark: a FastAPI endpoint that validates the same body and does one INSERT, and nothing else."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
from fastapi import FastAPI

from app.domain import GenerationRequest


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=10, max_size=10)
    await app.state.pool.execute("CREATE TABLE IF NOT EXISTS bare (id text PRIMARY KEY, topic text NOT NULL)")
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=_lifespan)


@app.post("/generate", status_code=202)
async def generate(body: GenerationRequest) -> dict[str, str]:
    """One committed row."""
    job = str(uuid4())
    await app.state.pool.execute("INSERT INTO bare VALUES ($1, $2)", job, body.topic)
    return {"job_id": job}
