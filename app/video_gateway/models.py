"""Videos as requests and answers have them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.attempts import State
from app.domain import Strict
from app.limits import LONGEST_VIDEO_SECONDS, SHORTEST_VIDEO_SECONDS, VIDEO_PROMPT

# Lines that a person can read, with a character that is no space.
Prompt = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=VIDEO_PROMPT, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$"
    ),
]


class Urgency(StrEnum):
    """Place in the queue: a video that is less urgent waits behind newer ones for five minutes at most."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class NewVideo(Strict):
    """The body of POST /api/generate."""

    prompt: Prompt = Field(examples=["A lighthouse in a storm, waves breaking over the rocks"])
    seconds: int = Field(4, ge=SHORTEST_VIDEO_SECONDS, le=LONGEST_VIDEO_SECONDS, strict=True)
    priority: Urgency = Urgency.NORMAL


class Accepted(BaseModel):
    """A video that is stored as a job and cannot get lost."""

    id: str
    status: State = State.PENDING
    url: str = Field(description="Path to ask for the video.")


class VideoView(BaseModel):
    """A video as its owner sees it; it goes with its file after some days."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    status: State
    percent: int = Field(ge=0, le=100, description="Progress of the rendering.")
    prompt: str
    seconds: int
    priority: Urgency
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None
    bytes: int | None = None
    error: str | None = Field(None, description="Reason of a failure, in words.")


class PlayableView(VideoView):
    """One video, with its addresses once it is ready."""

    url: str | None = Field(None, description="Signed address in the bucket, for `expires_in` seconds.")
    file: str | None = Field(None, description="The same by this service, for a page of its own origin.")
    expires_in: int | None = None
