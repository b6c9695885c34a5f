"""The documents' load profiles at their whole length (T02, T03), against processes of content-generation."""

from __future__ import annotations

from pathlib import Path

from tests.bench.document import Section, machine
from tests.load.locust_process import run_locust
from tests.load.profiles import PROFILES
from tests.load.site import site

WHOLE = ("first", "production")


def section(_: Path) -> Section:
    """Each on servers of its own."""
    text = (
        f"Locust, API, im, worker, Postgres and Redis on the same {machine()}. A request is answered as it should be, "
        "or it is an error; one that gets no answer, or a 5xx, counts as not available. Everything accepted is looked "
        "at until it is done. Command: `make bench ONLY=profiles`."
    )
    return Section("The documents' load", text, ("load", "result", "goal"), tuple(_row(name) for name in WHOLE))


def _row(name: str) -> tuple[str, str, str]:
    profile = PROFILES[name]
    [users] = profile.users
    with site() as here, here.api() as api, here.workers():
        done = run_locust(api.url, seconds=profile.seconds, PROFILE=name)
    said = [line for line in done.stdout.splitlines() if line.startswith(("P95", "accepted", "limits"))]
    bounds = profile.limits
    load = f"{users} users, {profile.a_second:g} requests a second, {profile.seconds / 60:g} minutes"
    times = f"P95 < {bounds.p95_ms:g} ms, P99 < {bounds.p99_ms:g} ms"
    goal = f"{times}, errors < {bounds.errors:.1%}, available {bounds.available:.1%}"
    return load, "; ".join(said) or f"ended with {done.returncode}", goal
