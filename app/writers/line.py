"""The line to one provider: one place for its address, its key, time limits, and what a failed call is called."""

from collections.abc import Mapping

import httpx

from app.writers.base import WriterError

RETRIABLE = frozenset((408, 409, 425, 429))


class Line:
    """Sends requests and gives the bodies of good answers; knows nothing of their form."""

    def __init__(
        self, name: str, base_url: str, headers: Mapping[str, str], seconds: float, client: httpx.AsyncClient
    ) -> None:
        self.name = name
        self._base_url = base_url.rstrip("/")
        self._headers = dict(headers)
        self._seconds = seconds
        self._client = client

    async def get(self, path: str) -> bytes:
        """Raises WriterError."""
        return await self._send("GET", path)

    async def post(self, path: str, body: Mapping[str, object]) -> bytes:
        """A JSON body. Raises WriterError."""
        return await self._send("POST", path, body=body)

    async def upload(self, path: str, name: str, content: bytes, fields: Mapping[str, str]) -> bytes:
        """A form with fields and a file. Raises WriterError."""
        return await self._send("POST", path, fields=fields, files={"file": (name, content)})

    async def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        fields: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes]] | None = None,
    ) -> bytes:
        try:
            reply = await self._client.request(
                method,
                f"{self._base_url}{path}",
                headers=self._headers,
                json=body,
                data=fields,
                files=files,
                timeout=self._seconds,
            )
        except httpx.TimeoutException as error:
            raise WriterError("provider_timeout", f"{self.name} did not answer in time") from error
        except httpx.HTTPError as error:
            raise WriterError("provider_unreachable", f"{self.name}: {type(error).__name__}") from error
        if reply.status_code != 200:
            retriable = reply.status_code in RETRIABLE or reply.status_code >= 500
            # The body may repeat the prompt or the key, so only the status is passed on.
            raise WriterError("provider_refused", f"{self.name} answered {reply.status_code}", retriable=retriable)
        return reply.content
