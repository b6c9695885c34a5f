"""Whether the process is on its way out; known to the server, which hears the signal, and to whoever says ready."""

from dataclasses import dataclass


@dataclass
class Lifecycle:
    """Ready turns 503 while what is in flight ends."""

    draining: bool = False
