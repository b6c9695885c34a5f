"""PgBouncer's configuration as a pod declares it, made to run as a process here: names become addresses. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

_HOST = re.compile(r"\bhost=(\S+)")
_LISTEN = re.compile(r"^listen_addr\s*=.*$", re.MULTILINE)


def localised(text: str, address: str, namespace: str, names: Mapping[str, str]) -> str:
    """The configuration with the pod's own address to listen on, and the servers' addresses for their names.

    A name that is not known yet stays: PgBouncer answers its clients with an error and the pod is not ready.
    """

    def resolved(found: re.Match[str]) -> str:
        plain = found[1].removesuffix(".cluster.local").removesuffix(".svc")
        return f"host={names.get(plain) or names.get(f'{plain}.{namespace}') or found[1]}"

    return _LISTEN.sub(f"listen_addr = {address}", _HOST.sub(resolved, text))
