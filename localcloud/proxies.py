"""HTTP proxies of a machine's environment: they lead out of the machine, never to the embedded cloud on it.

Go's clients leave proxies out for loopback addresses by themselves; httpx, lightkube and boto3 send what is meant for
127.0.0.1 to the proxy unless NO_PROXY names that address.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Final

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


def past_proxies(environment: MutableMapping[str, str]) -> None:
    """Names this machine in NO_PROXY, beside what is there. A command still reaches registries by its proxy.

    Both spellings get the names of both: a library that finds the small one does not read the other.
    """
    spellings = ("NO_PROXY", "no_proxy")
    named = [one.strip() for name in spellings for one in environment.get(name, "").split(",") if one.strip()]
    environment.update(dict.fromkeys(spellings, ",".join(dict.fromkeys([*named, *LOOPBACK]))))


def without_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that speaks to nothing but this machine, by any of its addresses."""
    return {name: value for name, value in environment.items() if not name.lower().endswith("_proxy")}
