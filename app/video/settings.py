"""Settings of a product that keeps videos in a bucket and makes them from a queue."""

from typing import TypeVar

from pydantic import Field

from app.process_settings import ConfigurationError, Region, load
from app.settings import Settings


class VideoSettings(Settings):
    """The buckets of videos and of the archive, how long videos live, and how many may wait."""

    queue_limit: int = Field(1000, ge=1, le=100_000, description="Jobs that wait in one queue at most; then 429.")
    video_bucket: str | None = Field(None, description="S3 bucket of the videos; without it none is made.")
    video_bucket_region: Region | None = Field(None, description="Default: the region of the service.")
    video_url_seconds: int = Field(900, ge=10, le=604_800, description="Life of a video's signed address.")
    video_days: int = Field(7, ge=1, le=3650, description="The bucket of videos deletes each after so many days.")
    archive_bucket: str | None = Field(None, description="S3 bucket of the archive; default: BACKUP_BUCKET.")
    archive_bucket_region: Region | None = Field(None, description="Default: that of the bucket of backups.")


Kind = TypeVar("Kind", bound=VideoSettings)


def loaded_with_bucket(kind: type[Kind]) -> Kind:
    """Settings of a process that stores videos. Raises ConfigurationError."""
    settings = load(kind)
    if settings.video_bucket is None:
        raise ConfigurationError(("VIDEO_BUCKET: not set; name the bucket that videos are stored in",))
    return settings
