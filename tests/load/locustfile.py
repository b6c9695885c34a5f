"""The documents' scenario (T01), with their profiles: `locust -f tests/load/locustfile.py --host http://...`.

PROFILE=steps is T04 (10, 25, 50, 100, 200 users, 30 s each, 10 s rest); without it locust's own -u, -r and -t decide:
T02 is `-u 100 -t 5m`, T03 `-u 1000 -t 10m`. The run fails (exit 1) when the profile's limits are broken.
"""

import os
import random
from collections import deque

from locust import HttpUser, LoadTestShape, between, events, task
from locust.env import Environment

# P95 and P99 in milliseconds, share of errors: T02's first stage, T03's production.
LIMITS = {"first": (2000, 5000, 0.01), "production": (1000, 3000, 0.001)}
PRIORITIES = ("cost", "quality", "speed", "balanced")
TOPICS = ("brewing coffee", "remote work", "electric cars", "better sleep", "learning the piano")


class Writer(HttpUser):
    """A client that asks for blog posts (3), looks at its last jobs (2) and asks for a social post (1)."""

    wait_time = between(1, 5)

    def on_start(self) -> None:
        """Remember the last ten jobs."""
        self.jobs: deque[str] = deque(maxlen=10)

    @task(3)
    def blog(self) -> None:
        """Ask for a blog post."""
        self._generate("blog")

    @task(1)
    def social(self) -> None:
        """Ask for a social post."""
        self._generate("social")

    @task(2)
    def status(self) -> None:
        """Look at one of the last jobs."""
        if self.jobs:
            self.client.get(f"/status/{random.choice(self.jobs)}", name="/status/{job_id}")

    def _generate(self, content_type: str) -> None:
        topic = f"{random.choice(TOPICS)} {random.randrange(10_000)}"
        body = {"topic": topic, "content_type": content_type, "client_id": "load", "keywords": ["practice"]}
        body["priority"] = random.choice(PRIORITIES)
        with self.client.post("/generate", json=body, name=f"/generate {content_type}", catch_response=True) as reply:
            if reply.status_code == 202:
                self.jobs.append(reply.json()["job_id"])
                reply.success()
            else:
                reply.failure(f"status {reply.status_code}")


if os.environ.get("PROFILE") == "steps":

    class Steps(LoadTestShape):
        """T04."""

        users = (10, 25, 50, 100, 200)
        seconds, rest = 30, 10

        def tick(self) -> tuple[int, float] | None:
            """Users and spawn rate now; None ends the run."""
            step, within = divmod(self.get_run_time(), self.seconds + self.rest)
            if step >= len(self.users):
                return None
            return (self.users[int(step)] if within < self.seconds else 0, 100)


@events.quitting.add_listener
def judge(environment: Environment, **_: object) -> None:
    """Exit 1 when a limit is broken, and say which."""
    total = environment.stats.total
    p95, p99, errors = LIMITS[os.environ.get("LIMITS", "first")]
    found = (
        total.get_response_time_percentile(0.95) or 0,
        total.get_response_time_percentile(0.99) or 0,
        total.fail_ratio,
    )
    broken = [
        f"{name} {value:g} > {limit:g}"
        for name, value, limit in zip(("P95 ms", "P99 ms", "errors"), found, (p95, p99, errors), strict=True)
        if value > limit
    ]
    if broken:
        print("limits broken: " + "; ".join(broken))
        environment.process_exit_code = 1
