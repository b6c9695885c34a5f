"""Calls of web services that sell at one price a call: their answers are bounded while they are read, and no error has
the address, which may hold a key.
"""

import httpx

from app.core_services import CoreServices
from app.settings import Settings
from app.writers.base import WriterError
from app.writers.calls import Offer, Priced
from app.writers.guards import Turnstile
from app.writers.ledger import Ledger
from app.writers.sdk import failed, refused


def priced(offer: Offer, services: CoreServices, settings: Settings, ledger: Ledger) -> Priced:
    """Guards of an offer, by the limits that hold for providers of texts."""
    turnstile = Turnstile(offer.name, settings, services.counters) if settings.llm_rate_limit_enabled else None
    return Priced(offer, settings, ledger, turnstile)


async def answered(
    name: str, client: httpx.AsyncClient, request: httpx.Request, largest: int
) -> tuple[httpx.Headers, bytes]:
    """Headers and body of a 200 of at most ``largest`` bytes. Raises WriterError."""
    # Uncompressed: a small answer cannot become a large one.
    request.headers["Accept-Encoding"] = "identity"
    body = bytearray()
    reply = None
    try:
        reply = await client.send(request, stream=True)
        if reply.status_code != httpx.codes.OK:
            raise refused(name, reply.status_code, reply.headers)
        async for chunk in reply.aiter_raw():
            body += chunk
            if len(body) > largest:
                raise WriterError("provider_malformed", f"{name}'s answer is larger than {largest} bytes")
        return reply.headers, bytes(body)
    except httpx.HTTPError as error:
        raise failed(name, error, timeout=isinstance(error, httpx.TimeoutException)) from None
    finally:
        if reply is not None:
            await reply.aclose()
