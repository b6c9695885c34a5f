"""Pictures by Stability AI."""

from typing import Final

import httpx

from app.blog_ai.outside import answered
from app.writers.base import WriterError
from app.writers.calls import Offer
from app.writers.ledger import NOTHING

LARGEST_PICTURE: Final = 2 * 1024 * 1024
"""A picture of 1344 x 768 in JPEG has a few hundred kilobytes; the table takes no larger one."""
STABILITY: Final = "https://api.stability.ai"
JPEG: Final = "image/jpeg"
_BEGINS: Final = b"\xff\xd8\xff"


class Stability:
    """POST /v2beta/stable-image/generate/core: a form of several parts with a bearer key; with `accept: image/*` the
    answer is the picture. One of 1.5 megapixels is 3 credits, 0.03 USD; failed ones are free. 401 is the key, 402 an
    empty account, 403 the moderation of words, 429 more than 150 requests in 10 seconds; a picture that the moderation
    blurred is charged and has the header `finish-reason: CONTENT_FILTERED` (platform.stability.ai: API reference,
    pricing).
    """

    def __init__(self, client: httpx.AsyncClient, key: str, base_url: str | None, seconds: float) -> None:
        self.offer = Offer("stability", "stable-image-core", 0.03, seconds)
        self._client = client
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "image/*"}
        self._url = f"{(base_url or STABILITY).rstrip('/')}/v2beta/stable-image/generate/core"

    async def picture(self, topic: str) -> bytes:
        """One picture, a JPEG. Raises WriterError."""
        name = self.offer.name
        words = f"Header picture of a blog post about this subject, without any letters: {topic}"
        parts = {"prompt": words, "aspect_ratio": "16:9", "output_format": "jpeg"}
        form = {field: (None, value) for field, value in parts.items()}
        request = self._client.build_request("POST", self._url, files=form, headers=self._headers)
        try:
            headers, body = await answered(name, self._client, request, LARGEST_PICTURE)
        except WriterError as error:
            if error.status == httpx.codes.FORBIDDEN:
                raise WriterError("content_refused", f"{name} refuses the subject", status=error.status) from None
            raise
        if headers.get("finish-reason") == "CONTENT_FILTERED":
            raise WriterError("content_refused", f"{name} blurred the picture", tokens=NOTHING)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != JPEG or not body.startswith(_BEGINS):
            raise WriterError("provider_malformed", f"{name}'s answer is no JPEG")
        return body
