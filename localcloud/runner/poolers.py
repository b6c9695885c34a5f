"""PgBouncer's configuration as a pod declares it, made to run as a process here: names become addresses. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

_HOST = re.compile(r"\bhost=(\S+)")
_LISTEN = re.compile(r"^listen_addr\s*=.*$", re.MULTILINE)


class UnknownName(Exception):
    """A server in the configuration that nothing here answers for so far."""


def localised(text: str, address: str, namespace: str, names: Mapping[str, str]) -> str:
    """The configuration with the pod's own address to listen on, and the servers' addresses for their names.

    Raises UnknownName for a server that has none yet: the pod waits for it, as PgBouncer would for its name service.
    """

    def resolved(found: re.Match[str]) -> str:
        return "host=" + ",".join(address_of(host) for host in found[1].split(","))

    def address_of(host: str) -> str:
        plain = host.removesuffix(".cluster.local").removesuffix(".svc")
        known = names.get(plain) or names.get(f"{plain}.{namespace}")
        if known is None:
            raise UnknownName(f"no address is known yet for {host}")
        return known

    return _LISTEN.sub(f"listen_addr = {address}", _HOST.sub(resolved, text))
