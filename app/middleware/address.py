"""Who is calling: the real client's address, taken from X-Forwarded-For only as far as our own proxies wrote it (A11).

The list is read from the right, skipping configured proxies; the first other address is the client. What a client puts
there itself stands further left and is never reached, and without configured proxies the header is ignored.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.process_settings import Network

Address = IPv4Address | IPv6Address


def parse(text: str) -> Address | None:
    """An address without port, brackets or zone; IPv4 written as IPv6 is IPv4. None for anything else."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def within(address: Address | None, networks: Sequence[Network]) -> bool:
    """True when the address lies in one of the networks."""
    return address is not None and any(address in network for network in networks if network.version == address.version)


class ClientAddress:
    """Sets scope["client"] and scope["scheme"] to what the outermost trusted proxy saw."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = tuple(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Resolve once, before anything looks at the address."""
        if scope["type"] != "lifespan" and self._trusted and scope.get("client"):
            peer = parse(scope["client"][0])
            if within(peer, self._trusted):
                self._resolve(scope, Headers(scope=scope))
        await self._app(scope, receive, send)

    def _resolve(self, scope: Scope, headers: Headers) -> None:
        chain = ",".join(headers.getlist("x-forwarded-for")).split(",")
        for entry in reversed(chain):
            address = parse(entry)
            if address is None:
                break
            scope["client"] = (str(address), 0)
            if not within(address, self._trusted):
                break
        scheme = headers.get("x-forwarded-proto", "").split(",")[-1].strip().lower()
        if scheme in ("http", "https"):
            scope["scheme"] = {"http": "ws", "https": "wss"}[scheme] if scope["type"] == "websocket" else scheme
