"""Parts of one process of video-gateway."""

from dataclasses import dataclass

from app.core_services import CoreServices, build_core
from app.lifecycle import Lifecycle
from app.lists import JobLists
from app.schema import Schema
from app.video.shelf import VideoShelf, shelf_of
from app.video_gateway.flags import Features
from app.video_gateway.history import HISTORY
from app.video_gateway.intake import VideoIntake
from app.video_gateway.settings import GatewaySettings
from app.video_gateway.store import VideoStore


@dataclass(frozen=True, kw_only=True)
class GatewayServices(CoreServices):
    """The parts a request handler or the consumer of video-gateway may use."""

    settings: GatewaySettings
    lists: JobLists
    videos: VideoStore
    intake: VideoIntake
    features: Features
    shelf: VideoShelf


def build(settings: GatewaySettings, lifecycle: Lifecycle) -> GatewayServices:
    """Put the parts together; nothing runs and nothing is connected yet."""
    shelf = shelf_of(settings)
    assert shelf is not None, "serving_settings refuses a process without a bucket"
    core = build_core(settings, lifecycle, Schema(HISTORY.parts()))
    lists = JobLists(core.cache, core.redis)
    return GatewayServices(
        **vars(core),
        lists=lists,
        videos=VideoStore(core.database, lists, settings.video_days),
        intake=VideoIntake(core.database, lists, settings.job_expiry_seconds, settings.queue_limit),
        features=Features(settings, core.switchboard),
        shelf=shelf,
    )
