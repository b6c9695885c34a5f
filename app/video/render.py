"""A title and lines of text become a short MP4 (W04): a slide for each few lines, each shown for a moment."""

from collections.abc import Sequence
from typing import Final

from app.video.encoder import EncodingFailed, encode
from app.video.failure import VideoFailed
from app.video.lettering import TextUnfit
from app.video.slides import frames, slides_of

SECONDS_A_SLIDE: Final = 1.5
FRAMES_A_SECOND: Final = 4


async def render(title: str, lines: Sequence[str]) -> bytes:
    """The video. Raises VideoFailed."""
    try:
        slides = slides_of(title, lines)
        return await encode(frames(slides, round(SECONDS_A_SLIDE * FRAMES_A_SECOND)), FRAMES_A_SECOND)
    except (TextUnfit, EncodingFailed) as error:
        raise VideoFailed(error.kind, str(error)) from error
