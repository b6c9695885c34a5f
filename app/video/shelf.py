"""Videos in their bucket: stored by a worker, downloaded by a signed address or through the service."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from app.bucket import Bucket
from app.video.settings import VideoSettings

FOLDER: Final = "videos/"
MEDIA_TYPE: Final = "video/mp4"


class ShelfUnavailable(Exception):
    """The bucket did not take or give a video."""


class VideoShelf:
    """Videos of one bucket; every method raises ShelfUnavailable."""

    def __init__(self, bucket: Bucket, seconds: int) -> None:
        """Signed addresses live for ``seconds``."""
        self.bucket = bucket
        self.seconds = seconds

    @staticmethod
    def key(name: str, attempt: int) -> str:
        """Key of the object that one attempt stores: a slower attempt never replaces what a quicker one stored."""
        return f"{VideoShelf.folder(name)}{attempt}.mp4"

    @staticmethod
    def folder(name: str) -> str:
        """Begin of the keys of every attempt at a video."""
        return f"{FOLDER}{name}/"

    async def keep(self, key: str, video: bytes) -> None:
        """Store a video with its media type."""
        await self._asked(lambda: self.bucket.put(key, video, MEDIA_TYPE))

    async def drop(self, keys: Sequence[str]) -> None:
        """Delete videos; one that is not there is no error."""
        await self._asked(lambda: self.bucket.delete(keys))

    async def address(self, key: str) -> str:
        """Signed address of a video."""
        found: list[str] = []
        await self._asked(lambda: found.append(self.bucket.signed_address(key, self.seconds)))
        return found[0]

    async def chunks(self, key: str) -> Iterator[bytes]:
        """A video, piece by piece; it is there when this returns."""
        found: list[Iterator[bytes]] = []
        await self._asked(lambda: found.append(self.bucket.chunks(key)))
        return found[0]

    async def part(self, key: str, first: int, last: int | None) -> tuple[str, Iterator[bytes]]:
        """Some bytes of a video, piece by piece, with their Content-Range."""
        found: list[tuple[str, Iterator[bytes]]] = []
        await self._asked(lambda: found.append(self.bucket.part(key, first, last)))
        return found[0]

    async def _asked(self, work: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(work)
        except (BotoCoreError, ClientError, Boto3Error) as error:
            raise ShelfUnavailable(f"s3://{self.bucket.name}: {type(error).__name__}: {str(error)[:200]}") from error


def shelf_of(settings: VideoSettings) -> VideoShelf | None:
    """The bucket of videos, if one is named."""
    if settings.video_bucket is None:
        return None
    bucket = Bucket(settings.video_bucket, settings.video_bucket_region or settings.region)
    return VideoShelf(bucket, settings.video_url_seconds)
