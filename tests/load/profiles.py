"""The documents' load profiles: users, pace, length, and what must hold (T02 to T05).

Plain data of the standard library alone: locust replaces the sockets of whatever it imports.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

PACE_KEPT = 0.9
"""Share of a profile's requests a second that must have been sent: a slow service also slows its clients."""


@dataclass(frozen=True)
class Limits:
    """Bounds that a run must keep.

    p95_ms: 95 of 100 answers take no longer, ms.
    p99_ms: 99 of 100 answers take no longer, ms.
    errors: largest share of requests that are not answered as they should be.
    available: least share of requests that are answered at all, and not by an error of the service (5xx).
    """

    p95_ms: float
    p99_ms: float
    errors: float
    available: float


FIRST_STAGE = Limits(2000, 5000, 0.01, 0.995)
PRODUCTION = Limits(1000, 3000, 0.001, 0.999)


@dataclass(frozen=True)
class Profile:
    """A load.

    seconds: length of the run, or of each step.
    users: users of each step.
    limits: bounds.
    a_second: requests a second of all users; None where each waits as it likes.
    rest: pause after each step, s.
    reads: the users read the product's list over and over, without a pause.
    """

    seconds: float
    users: tuple[int, ...]
    limits: Limits
    a_second: float | None = None
    rest: float = 0
    reads: bool = False

    def users_at(self, second: float) -> int | None:
        """Users at a time of the run; None after its end."""
        step, within = divmod(second, self.seconds + self.rest)
        if step >= len(self.users):
            return None
        return self.users[int(step)] if within < self.seconds else 0


@dataclass(frozen=True)
class Found:
    """Result of a run, in the terms of Limits."""

    p95_ms: float
    p99_ms: float
    errors: float
    available: float
    a_second: float

    def broken(self, limits: Limits, a_second: float | None) -> Iterator[str]:
        """Every bound that was not kept."""
        for name, value, most in (
            ("P95 ms", self.p95_ms, limits.p95_ms),
            ("P99 ms", self.p99_ms, limits.p99_ms),
            ("errors", self.errors, limits.errors),
        ):
            if value > most:
                yield f"{name} {value:g} > {most:g}"
        if self.available < limits.available:
            yield f"availability {self.available:g} < {limits.available:g}"
        if a_second is not None and self.a_second < PACE_KEPT * a_second:
            yield f"requests a second {self.a_second:g} < {PACE_KEPT * a_second:g}"


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "first": Profile(300, (100,), FIRST_STAGE, a_second=50),
        "production": Profile(600, (1000,), PRODUCTION, a_second=500),
        "steps": Profile(30, (10, 25, 50, 100, 200), FIRST_STAGE, rest=10),
        "connections": Profile(60, (100,), FIRST_STAGE, reads=True),
    }
)
"""T02, T03, T04, and T05's connections to staging, by the name that PROFILE takes."""


def profile_of(variables: Mapping[str, str]) -> Profile | None:
    """The profile of PROFILE, with the lengths of STEP_SECONDS and REST_SECONDS; None where none is named.

    Raises SystemExit with what is allowed.
    """
    name = variables.get("PROFILE")
    if not name:
        return None
    if name not in PROFILES:
        raise SystemExit(f"PROFILE={name}: there is none of that name; there are {', '.join(PROFILES)}")
    whole = PROFILES[name]
    seconds = _seconds(variables, "STEP_SECONDS", whole.seconds)
    return replace(whole, seconds=seconds, rest=_seconds(variables, "REST_SECONDS", whole.rest))


def _seconds(variables: Mapping[str, str], name: str, default: float) -> float:
    given = variables.get(name, str(default))
    try:
        return float(given)
    except ValueError:
        raise SystemExit(f"{name}={given}: give a number of seconds, such as 0.5") from None
