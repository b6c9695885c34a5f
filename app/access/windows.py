"""The arithmetic of a sliding window by two neighbouring counters: the one before counts by the share still in view.

The script that Redis runs (app.access.limiter) says the same; a property test holds the two against each other. Times
and lengths are milliseconds.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Count:
    """Requests in a window by its number, and in the one before."""

    window: int
    count: int = 0
    before: int = 0

    def at(self, window: int) -> "Count":
        """The same count seen from a later window."""
        if window == self.window:
            return self
        return Count(window, 0, self.count if window == self.window + 1 else 0)


def take(known: Count | None, limit: int, length: int, now: int) -> tuple[Count, bool, int, int]:
    """Count one request if it fits: the new count, whether it fits, what is left, and how long until one more fits.

    A refused request is not counted. A client that waits that long gets through, if no other request took the place.
    """
    window, elapsed = divmod(now, length)
    seen = (known or Count(window)).at(window)
    used = -(-seen.before * (length - elapsed) // length) + seen.count
    if used < limit:
        taken = Count(window, seen.count + 1, seen.before)
        return taken, True, limit - used - 1, wait(taken, limit, length, elapsed)
    return seen, False, 0, wait(seen, limit, length, elapsed)


def wait(seen: Count, limit: int, length: int, elapsed: int) -> int:
    """Milliseconds until there is room for one more, if no other request comes."""
    room = limit - 1 - seen.count
    if room >= 0:
        needed = 0 if seen.before <= room else length - room * length // seen.before
        return max(0, needed - elapsed)
    return length - elapsed + length - (limit - 1) * length // seen.count
