"""Draining state of the process; set by the server, which gets the signal, and read by the readiness check."""

from dataclasses import dataclass


@dataclass
class Lifecycle:
    """Ready turns 503 while what is in flight ends."""

    draining: bool = False
