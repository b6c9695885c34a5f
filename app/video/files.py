"""The file of a video as an answer of the service itself."""

from botocore.exceptions import ClientError
from starlette.responses import Response, StreamingResponse

from app.api.problems import ProblemError
from app.video.shelf import MEDIA_TYPE, ShelfUnavailable, VideoShelf


async def streamed(shelf: VideoShelf | None, key: str | None) -> Response:
    """The video of a key, piece by piece. Raises ProblemError: 404 without a key that is valid, and for a video that
    the bucket has no more.
    """
    if key is None or shelf is None:
        raise ProblemError(404, "This address is not valid, or has expired; ask for the video again.")
    try:
        chunks = await shelf.chunks(key)
    except ShelfUnavailable as error:
        if isinstance(error.__cause__, ClientError):
            raise ProblemError(404, "This video is not there any more.") from None
        raise ProblemError(503, "The store of videos is not available.", {"Retry-After": "5"}) from None
    return StreamingResponse(chunks, media_type=MEDIA_TYPE, headers={"Cache-Control": "private, max-age=600"})
