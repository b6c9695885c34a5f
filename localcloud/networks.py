"""Reservation of loopback networks and edge ports on this machine: 127.N.0.0/16 and a port of 127.0.0.1 for each region
of each embedded cloud.

Clouds of different checkouts and of tests start at the same time and know nothing of each other, so both are reserved
by a file, under a lock: a port that is only looked at may be another's by the time it is bound. A reservation whose
cloud is gone is free again. Another user has files of its own, so a number is besides held by a bound port for as long
as the process that reserved it lives; by its end the cloud itself listens.
"""

from __future__ import annotations

import contextlib
import fcntl
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from localcloud.paths import cache_root
from localcloud.project import project

FIRST = 16
LAST = 126
FIRST_PORT = 8080
LAST_PORT = 9079
FIRST_CONTROL_PORT = 10_000
HOLD_HOST = "127.0.0.2"
FIRST_HOLD_PORT = 9200
"""Numbers are held by ports of this address: a network by this port and its number, an edge's port by the same port."""
CONTROL_PORTS = 32
"""Number of ports of 127.0.0.1 that each network has for its control plane: more than it needs, since others listen
too.
"""


class NoNetworkLeft(Exception):
    """More regions run on this machine than it has loopback networks, or ports for edges."""


def reserve(owner: Path, regions: Sequence[str], known: Mapping[str, int]) -> dict[str, int]:
    """A network for each region: that of before, else a free one. ``owner`` is the cloud's folder.

    Raises NoNetworkLeft.
    """
    with _alone():
        listening = _listening()
        for number in known.values():
            _hold(number)
        return {region: known[region] if region in known else _free(owner, listening) for region in regions}


def reserve_ports(owner: Path, regions: Sequence[str], known: Mapping[str, int]) -> dict[str, int]:
    """An edge port for each region, in the same way. Raises NoNetworkLeft."""
    with _alone():
        return {region: known[region] if region in known else _free_port(owner) for region in regions}


def control_ports(network: int, count: int) -> list[int]:
    """Free ports of a network's own stretch, so that no other cloud chooses the same ones.

    They lie below those that the kernel gives to the near ends of connections: one of these is easily taken between the
    choice and the listening, and the component that wanted it never comes up. Raises NoNetworkLeft.
    """
    first = FIRST_CONTROL_PORT + (network - FIRST) * CONTROL_PORTS
    free = [port for port in range(first, first + CONTROL_PORTS) if is_free(port)]
    if len(free) < count:
        last = first + CONTROL_PORTS - 1
        raise NoNetworkLeft(
            f"a control plane needs {count} of the ports {first} to {last}, {len(free)} are free; "
            "fix: stop what listens there"
        )
    return free[:count]


def is_free(port: int) -> bool:
    """True if no process listens on a port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def give_back(owner: Path) -> None:
    """Everything that a cloud had reserved."""
    for path in _folder().glob("[0-9]*"):
        if _owner(path) == str(owner):
            path.unlink(missing_ok=True)
            if (held := _held.pop(int(path.name), None)) is not None:
                held.close()


def _free(owner: Path, listening: set[int]) -> int:
    for number in range(FIRST, LAST + 1):
        if number not in listening and _take(number, owner):
            return number
    raise NoNetworkLeft(
        f"127.{FIRST}.0.0 to 127.{LAST}.0.0 are all in use; fix: `{project().command} down` what is not needed"
    )


def _free_port(owner: Path) -> int:
    for port in range(FIRST_PORT, LAST_PORT + 1):
        if is_free(port) and _take(port, owner):
            return port
    raise NoNetworkLeft(
        f"the ports {FIRST_PORT} to {LAST_PORT} are all in use; fix: `{project().command} down` what is not needed"
    )


def _take(number: int, owner: Path) -> bool:
    """Take the number if it is free; True if it is ours now. Only under the lock."""
    path = _folder() / str(number)
    holder = _owner(path)
    if (holder is not None and Path(holder).exists()) or not _hold(number):
        return False
    path.write_text(str(owner))
    return True


_held: dict[int, socket.socket] = {}


def _hold(number: int) -> bool:
    """Hold a number for the life of this process; False if another process holds it."""
    if number in _held:
        return True
    hold = socket.socket()
    try:
        hold.bind((HOLD_HOST, number if number >= FIRST_PORT else FIRST_HOLD_PORT + number))
    except OSError:
        hold.close()
        return False
    _held[number] = hold
    return True


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One chooser at a time on this machine; the lock goes with the process that held it."""
    with (_folder() / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _owner(path: Path) -> str | None:
    with contextlib.suppress(FileNotFoundError):
        return path.read_text()
    return None


def _folder() -> Path:
    folder = cache_root() / "networks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _listening() -> set[int]:
    """Networks on which any process answers."""
    addresses = [one.laddr[0] for one in psutil.net_connections("tcp4") if one.laddr]
    return {int(address.split(".")[1]) for address in addresses if address.startswith("127.")}
