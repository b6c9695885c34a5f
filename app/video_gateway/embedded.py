"""The renderer without a GPU and without a network: frames are drawn one by one while ffmpeg encodes them."""

import asyncio
from collections.abc import Iterator
from typing import Final

from app.video.encoder import EncodingFailed, encode
from app.video.failure import VideoFailed
from app.video.lettering import TextUnfit
from app.video.scenes import frames, scene_of
from app.video_gateway.renderer import Order, Report

FRAMES_A_SECOND: Final = 12


class EmbeddedRenderer:
    """Implements app.video_gateway.renderer.Renderer in this process."""

    async def render(self, order: Order, report: Report) -> bytes:
        """The video. Raises VideoFailed."""
        try:
            count = order.seconds * FRAMES_A_SECOND
            drawn = frames(await asyncio.to_thread(scene_of, order.prompt), count)
            return await encode(_reported(drawn, count, report), FRAMES_A_SECOND)
        except (TextUnfit, EncodingFailed) as error:
            raise VideoFailed(error.kind, str(error)) from error

    async def close(self) -> None:
        """Holds nothing."""


def _reported(drawn: Iterator[bytes], count: int, report: Report) -> Iterator[bytes]:
    for number, frame in enumerate(drawn):
        report(100 * number // count)
        yield frame
