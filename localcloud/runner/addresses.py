"""Loopback addresses for pods and managed stores, and the pod addresses that Kubernetes shows.

The API server refuses loopback addresses as endpoints, so a pod that listens on 127.N.x.y is reported as 10.N.x.y. The
lower half of each region's network is for pods and stores, the upper half for Services.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PRIVILEGED: Final = 1024
"""Ports below this may be listened on by root alone, and an ordinary user runs a cloud as well."""
SHIFT: Final = 20_000


def listening_port(port: int) -> int:
    """Port that a Service's port is really listened on. Clients by name need not know: the name service says so too."""
    return port + SHIFT if port < PRIVILEGED else port


@dataclass
class AddressPool:
    """Gives out addresses of one region and takes them back.

    An owner that comes again, as a StatefulSet's pod does under its name, gets its old address while that is free: a
    client that resolved the name before still finds it. ``memory`` is the file that says so to the next runner.
    """

    network: int
    memory: Path | None = None
    _used: set[int] = field(default_factory=set)
    _remembered: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.memory is not None and self.memory.exists():
            self._remembered = {
                str(owner): int(number) for owner, number in json.loads(self.memory.read_text()).items()
            }

    def take(self, owner: str = "") -> str:
        """A free loopback address. Raises RuntimeError when 32,000 are in use."""
        before = self._remembered.get(owner)
        number = before if before is not None and before not in self._used else self._free()
        self._used.add(number)
        if owner and number != before:
            self._remember(owner, number)
        return f"127.{self.network}.{number // 256}.{number % 256}"

    def claim(self, address: str) -> bool:
        """Takes a particular address, such as one that a pod had before the runner was started again."""
        number = _number(address)
        if number in self._used:
            return False
        self._used.add(number)
        return True

    def _remember(self, owner: str, number: int) -> None:
        self._remembered[owner] = number
        if self.memory is not None:
            self.memory.parent.mkdir(parents=True, exist_ok=True)
            scratch = self.memory.with_suffix(".new")
            scratch.write_text(json.dumps(self._remembered, sort_keys=True))
            scratch.replace(self.memory)

    def _free(self) -> int:
        kept = set(self._remembered.values())
        for number in range(2, 127 * 256):
            if number not in self._used and number not in kept and number % 256 not in (0, 255):
                return number
        raise RuntimeError(f"all addresses of 127.{self.network}.0.0/17 are in use")

    def give_back(self, address: str) -> None:
        self._used.discard(_number(address))


def _number(address: str) -> int:
    _, _, third, fourth = address.split(".")
    return int(third) * 256 + int(fourth)


def as_pod_address(loopback: str) -> str:
    return "10." + loopback.split(".", 1)[1]


def as_loopback(pod_address: str) -> str:
    return "127." + pod_address.split(".", 1)[1]
