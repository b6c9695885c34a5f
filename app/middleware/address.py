"""Client address: taken from X-Forwarded-For only as far as our own proxies wrote it (A11).

Each of our proxies adds the address that it saw. With ``PROXY_HOPS`` of them in front the client is that many places
from the end of the list; what a client puts there itself stands further left and is never reached, from inside the
trusted networks either. The header of a peer that is not trusted is ignored.
"""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.addresses import parse, within
from app.process_settings import Network


class ClientAddress:
    """Sets scope["client"] and scope["scheme"] to what the outermost of our proxies saw."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network], hops: int) -> None:
        self._app = app
        self._trusted = tuple(trusted)
        self._hops = hops

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Resolve once, before anything looks at the address."""
        if scope["type"] != "lifespan" and self._trusted and scope.get("client"):
            peer = parse(scope["client"][0])
            if within(peer, self._trusted):
                self._resolve(scope, Headers(scope=scope))
        await self._app(scope, receive, send)

    def _resolve(self, scope: Scope, headers: Headers) -> None:
        chain = ",".join(headers.getlist("x-forwarded-for")).split(",")
        # A shorter list did not come through all of our proxies, so nothing in it was written by one.
        address = parse(chain[-self._hops]) if len(chain) >= self._hops else None
        if address is not None:
            scope["client"] = (str(address), 0)
        scheme = headers.get("x-forwarded-proto", "").split(",")[-1].strip().lower()
        if scheme in ("http", "https"):
            scope["scheme"] = {"http": "ws", "https": "wss"}[scheme] if scope["type"] == "websocket" else scheme
