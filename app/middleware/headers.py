"""Security headers on every reply, from any route or middleware (Y01, HDR-05: set, never added; the server's name is
removed).
"""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_REMOVED = (b"server", b"x-powered-by")


class SecurityHeaders:
    """The outermost layer. A route that must differ puts its values in scope["state"]["security_headers"]."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._values = dict(headers)
        self._headers = _encoded(headers)
        self._replaced = frozenset((*_REMOVED, *(name for name, _ in self._headers)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through; replies get the headers, WebSocket acceptances and refusals too."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        accepted = False

        async def send_with_headers(message: Message) -> None:
            nonlocal accepted
            kind = message["type"]
            if kind in ("http.response.start", "websocket.accept", "websocket.http.response.start"):
                accepted = True
                kept = [pair for pair in message.get("headers", ()) if pair[0].lower() not in self._replaced]
                own = scope.get("state", {}).get("security_headers")
                message["headers"] = [*kept, *(_encoded({**self._values, **own}) if own else self._headers)]
            elif kind == "websocket.close" and not accepted:
                await self._refuse(send)
                return
            await send(message)

        await self._app(scope, receive, send_with_headers)

    async def _refuse(self, send: Send) -> None:
        # Closing before accepting makes the server answer 403 by itself, without our headers; so the answer is ours.
        headers = [(b"content-length", b"0"), *self._headers]
        await send({"type": "websocket.http.response.start", "status": 403, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b""})


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
