"""Loopback addresses for pods and managed stores, and the pod addresses that Kubernetes is told.

The API server refuses loopback addresses as endpoints, so a pod that listens on 127.N.x.y is reported as 10.N.x.y. The
lower half of each region's network is for pods and stores, the upper half for Services.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class AddressPool:
    """Gives out addresses of one region and takes them back.

    An owner that comes again, as a StatefulSet's pod does under its name, gets its old address while that is free:
    whoever resolved the name before still finds it.
    """

    network: int
    _used: set[int] = field(default_factory=set)
    _remembered: dict[str, int] = field(default_factory=dict)

    def take(self, owner: str = "") -> str:
        """A loopback address nobody has. Raises RuntimeError when 32,000 are in use."""
        before = self._remembered.get(owner)
        number = before if before is not None and before not in self._used else self._free()
        self._used.add(number)
        if owner:
            self._remembered[owner] = number
        return f"127.{self.network}.{number // 256}.{number % 256}"

    def _free(self) -> int:
        kept = set(self._remembered.values())
        for number in range(2, 127 * 256):
            if number not in self._used and number not in kept and number % 256 not in (0, 255):
                return number
        raise RuntimeError(f"all addresses of 127.{self.network}.0.0/17 are in use")

    def give_back(self, address: str) -> None:
        _, _, third, fourth = address.split(".")
        self._used.discard(int(third) * 256 + int(fourth))


def as_pod_address(loopback: str) -> str:
    return "10." + loopback.split(".", 1)[1]


def as_loopback(pod_address: str) -> str:
    return "127." + pod_address.split(".", 1)[1]
