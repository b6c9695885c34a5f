"""Outcome of everything that was promised, by the rows of the database and the logs of the workers."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.load.client import Result
from tests.load.product import OPEN, Ask, Product
from tests.load.site import Site


@dataclass(frozen=True)
class Count:
    """Everything that was promised, once.

    accepted: number of promises.
    finished: of them, those that are done.
    lost: those that are not, or that no row is of.
    twice: those that were promised, or were done, more than once.
    again: those that took more than one attempt.
    """

    accepted: int
    finished: int
    lost: tuple[str, ...]
    twice: tuple[str, ...]
    again: int

    @property
    def figure(self) -> str:
        """In one line."""
        return f"{self.accepted} accepted, {self.finished} finished, {len(self.lost)} lost, {len(self.twice)} twice"


def accepted_by(product: Product, run: Result) -> list[str]:
    """Ids in the answers of a run."""
    return [str(json.loads(body)[product.id_field]) for body in run.bodies]


def counted(here: Site, accepted: Sequence[str], ask: Ask | None = None) -> Count:
    """The promises of an ask, the main one by default, once nothing is under way any more."""
    rows = {row["id"]: row for row in here.query((ask or here.product.main).made)}
    done = {made for made in accepted if made in rows and rows[made]["status"] == here.product.done}
    promised, completed = Counter(accepted), Counter(_completed(here))
    repeated = {made for (_, made), times in completed.items() if times > 1}
    return Count(
        accepted=len(accepted),
        finished=len(done),
        lost=tuple(sorted(set(accepted) - done)),
        twice=tuple(sorted(repeated | {made for made, times in promised.items() if times > 1})),
        again=sum(rows[made]["attempt"] > 1 for made in done),
    )


def settle(here: Site, ask: Ask | None = None, seconds: float = 120) -> float:
    """Wait until nothing is under way; seconds that it took."""
    began = time.monotonic()
    made = (ask or here.product.main).made
    try:
        until(lambda: not here.query(f"SELECT FROM ({made}) AS made WHERE status IN {OPEN}"), seconds)
    except TimeoutError as error:
        left = here.query(f"SELECT * FROM ({made}) AS made WHERE status IN {OPEN} LIMIT 10")
        raise TimeoutError(f"{error}; still open: {[dict(one) for one in left]}") from None
    return time.monotonic() - began


def until(question: Callable[[], object], seconds: float = 120) -> None:
    """Ask until the answer is true. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not after {seconds} s")
        time.sleep(0.05)


def _completed(here: Site) -> Iterator[tuple[str, str]]:
    """Kind and id of each time that a worker completed a job."""
    for log in here.folder.glob("*.log"):
        for line in log.read_text(errors="replace").splitlines():
            if '"job completed"' in line:
                found = json.loads(line)
                yield str(found.get("kind")), str(found["job_id"])
