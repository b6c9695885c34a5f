"""First use of a product, as a smoke test makes it in every region and as ``up`` shows it to people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Trial:
    """Something that is made by one request, read by another one, and removed again where that can be.

    path: path that makes it, by POST.
    body: body of that request, JSON; CLIENT stands for the client's name.
    status: status of the answer.
    identifier: field of the answer that names what was made.
    read: path that reads it; ID stands for its name.
    state: field of that answer that tells its state; None if it is there at once.
    done: state at which it is finished.
    failed: states that end it in vain; every other one is waited for.
    remove: path that removes it, by DELETE; None where it may stay.
    """

    path: str
    body: str
    status: int
    identifier: str
    read: str
    state: str | None = None
    done: str = ""
    failed: frozenset[str] = frozenset()
    remove: str | None = None
