"""Settings of video-gateway, by the names of its document (documents/C-video-gateway.txt)."""

from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl, model_validator

from app.process_settings import ProcessSettings
from app.service_settings import filled
from app.video.settings import VideoSettings, loaded_with_bucket
from app.video_gateway.workflow import parsed


def _workflow(text: str) -> str:
    parsed(text)
    return text


Workflow = Annotated[str, AfterValidator(_workflow)]


class GatewayPageSettings(ProcessSettings):
    """Configuration of the front end, which has neither a database nor a secret."""


class GatewaySettings(VideoSettings):
    """Configuration of the gateway, which takes requests and renders in one process: the GPU is in its pod."""

    worker_concurrency: int = Field(1, ge=1, le=16, description="Videos that one process renders at once.")
    render_seconds: float = Field(300, gt=0, le=3600, description="Time limit of the rendering of one video.")
    comfyui_url: HttpUrl | None = Field(None, description="ComfyUI that renders; default: the embedded renderer.")
    comfyui_workflow: Workflow | None = Field(None, description="Graph in ComfyUI's API format; default: Wan 2.1.")
    enable_new_timeline: bool = Field(False, description="The flag new-timeline-ui: a list by days.")
    enable_ai_video: bool = Field(False, description="The flag ai-video-generation: videos are taken at all.")


class GatewayTaskSettings(GatewaySettings):
    """Configuration of migrations, maintenance and backups, which go past the pooler; requests have no part in it."""

    @model_validator(mode="before")
    @classmethod
    def _one_database(cls, values: dict[str, object]) -> dict[str, object]:
        return filled(values, ("database_url",), ("database_url_direct",))


def serving_settings() -> GatewaySettings:
    """Settings of the process. Raises ConfigurationError."""
    return loaded_with_bucket(GatewaySettings)
