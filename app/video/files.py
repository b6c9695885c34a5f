"""The file of a video as an answer of the service itself."""

import re
from typing import Annotated, Final

from botocore.exceptions import ClientError
from fastapi import Header
from starlette.responses import Response, StreamingResponse

from app.api.problems import ProblemError
from app.video.shelf import MEDIA_TYPE, ShelfUnavailable, VideoShelf

HEADERS: Final = {"Cache-Control": "private, max-age=600", "Accept-Ranges": "bytes"}
Wanted = Annotated[str | None, Header(alias="Range", max_length=100)]
_ONE_RANGE: Final = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")
UNSATISFIABLE: Final = 416


async def streamed(shelf: VideoShelf | None, key: str | None, wanted: str | None = None) -> Response:
    """The video of a key, piece by piece, or the one range of it that a player wants: some play nothing without. Raises
    ProblemError: 404 without a key that is valid and for a video that the bucket has no more, 416 beyond its end.
    """
    if key is None or shelf is None:
        raise ProblemError(404, "This address is not valid, or has expired; ask for the video again.")
    found = _ONE_RANGE.fullmatch(wanted or "")
    try:
        if found is None:
            return StreamingResponse(await shelf.chunks(key), media_type=MEDIA_TYPE, headers=HEADERS)
        place, chunks = await shelf.part(key, int(found[1]), int(found[2]) if found[2] else None)
        return StreamingResponse(chunks, 206, {**HEADERS, "Content-Range": place}, MEDIA_TYPE)
    except ShelfUnavailable as error:
        raise _problem(error) from None


def _problem(error: ShelfUnavailable) -> ProblemError:
    if not isinstance(error.__cause__, ClientError):
        return ProblemError(503, "The store of videos is not available.", {"Retry-After": "5"})
    if error.__cause__.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == UNSATISFIABLE:
        return ProblemError(UNSATISFIABLE, "The video ends before this range.")
    return ProblemError(404, "This video is not there any more.")
