"""The service at work while something breaks: clients who keep asking, and the count of what they were promised."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import asyncpg
import httpx
import psutil
from conftest import Fleet, apart, eventually

BODY = {"topic": "How to brew better coffee at home", "content_type": "social", "client_id": "acme"}


def run_sql(url: str, *statements: str) -> list[asyncpg.Record]:
    """The rows of the last of some statements."""

    async def run() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return list(await connection.fetch(statements[-1]))
        finally:
            await connection.close()

    return apart(run())


@dataclass
class Clients:
    """Somebody who keeps asking, whatever happens, and remembers what was promised."""

    api: str
    accepted: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def ask(self, client: httpx.Client) -> None:
        try:
            reply = client.post(f"{self.api}/generate", json=BODY)
        except httpx.HTTPError:
            self.statuses[0] += 1
            return
        self.statuses[reply.status_code] += 1
        if reply.status_code == 202:
            self.accepted.append(reply.json()["job_id"])

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Two of them, until the end of the block."""
        over = threading.Event()

        def go() -> None:
            with httpx.Client(timeout=20) as client:
                while not over.wait(0.02):
                    self.ask(client)

        threads = [threading.Thread(target=go) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def seen(self, status: int, times: int) -> None:
        """Wait until that many more replies had this status."""
        wanted = self.statuses[status] + times
        eventually(lambda: self.statuses[status] >= wanted, 60)


@dataclass
class Site:
    """The three roles over a database, and what they were asked."""

    fleet: Fleet
    url: str
    clients: Clients
    worker: psutil.Process

    def every_job_ended_once(self) -> None:
        """Each job that was promised is there, in a final state, and no text was stored twice."""
        accepted = self.clients.accepted
        assert len(set(accepted)) == len(accepted) > 0
        query = "SELECT count(*) FROM jobs WHERE status IN ('pending', 'in_progress')"
        eventually(lambda: run_sql(self.url, query)[0][0] == 0, 90)
        rows = run_sql(self.url, "SELECT id, status, content IS NOT NULL AS text FROM jobs WHERE provider IS NOT NULL")
        stored = {row["id"]: (row["status"], row["text"]) for row in rows}
        assert {job: stored.get(job) for job in accepted} == dict.fromkeys(accepted, ("completed", True))
        lines = [
            json.loads(line) for line in self.fleet.log("worker").read_text().splitlines() if '"job completed"' in line
        ]
        assert all(times == 1 for times in Counter(line["job_id"] for line in lines).values())

    def nothing_broke(self) -> None:
        """Clients were served or told to come back; nobody saw an error of ours."""
        assert self.clients.statuses.keys() <= {202, 503}, self.clients.statuses


@contextmanager
def site(
    fleet: Fleet, url: str, worker: dict[str, str] | None = None, cpm: dict[str, str] | None = None
) -> Iterator[Site]:
    with (
        fleet.process("cpm", "serve", "--role", "cpm", **(cpm or {})) as (_, api),
        fleet.process("im", "serve", "--role", "im") as (_, im),
        fleet.process("worker", "worker", IM_URL=im, **(worker or {})) as (process, _),
    ):
        yield Site(fleet, url, Clients(api), psutil.Process(process.pid))
