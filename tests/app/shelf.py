"""A bucket of backups, and the commands that know it: what tests of backup, restore and their check share."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import boto3
from conftest import Fleet, Servers, run_app

from localcloud.postgres import home

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
METRICS = "contentgen/test"


@dataclass
class Shelf:
    """A bucket, and commands that know it."""

    fleet: Fleet
    servers: Servers
    store: Any
    bucket: str
    variables: dict[str, str]

    def backup(self) -> dict[str, Any]:
        done = run_app(self.fleet, "backup", **self.variables)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "postgres-password" not in done.stdout + done.stderr
        return dict(json.loads(done.stdout.splitlines()[-1]))

    def check(self, *options: str) -> "tuple[int, str]":
        done = run_app(self.fleet, "restore-check", *options, **self.variables)
        assert "postgres-password" not in done.stdout + done.stderr
        return done.returncode, done.stdout

    def restore(self, database: str, *options: str) -> "tuple[int, str]":
        url = self.servers.database_url(database)
        there = {"DATABASE_URL": url, "DATABASE_URL_DIRECT": url}
        done = run_app(self.fleet, "restore", *options, **self.variables, **there)
        assert "postgres-password" not in done.stdout + done.stderr
        return done.returncode, done.stdout

    def replace(self, key: str, change: Callable[[bytes], bytes]) -> None:
        body = self.store.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        self.store.put_object(Bucket=self.bucket, Key=key, Body=change(body))


def shelf_in(fleet: Fleet, servers: Servers, aws: str) -> Shelf:
    """A shelf with an empty bucket of its own."""
    store = boto3.client("s3", endpoint_url=aws, **KEYS)
    bucket = f"backups-{uuid4().hex[:8]}"
    store.create_bucket(Bucket=bucket)
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": aws}
    own = {"BACKUP_BUCKET": bucket, "BACKUP_METRICS": f"{METRICS}/{bucket}", "PG_BIN": str(home() / "bin")}
    return Shelf(fleet, servers, store, bucket, {**own, **credentials})


def run_sql(servers: Servers, database: str, statement: str, *values: object) -> list[tuple[object, ...]]:
    async def run() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(servers.database_url(database))
        try:
            return [tuple(row) for row in await connection.fetch(statement, *values)]
        finally:
            await connection.close()

    return asyncio.run(run())
