"""Domain model: a request for content, the content itself, and the states a job goes through."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, FailFast, Field, StringConstraints, model_validator

SHORTEST_TOPIC, TOPIC_LENGTH = 3, 300
"""Titles have the same bounds: a topic as it was typed can always be one."""
KEYWORDS = 12
CLIENT_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}$"

# Words that a person could read; control characters would end up in logs, titles and terminals.
Line = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")]
Topic = Annotated[Line, StringConstraints(min_length=SHORTEST_TOPIC, max_length=TOPIC_LENGTH)]
Keyword = Annotated[Line, StringConstraints(min_length=1, max_length=60)]
ClientId = Annotated[str, StringConstraints(pattern=CLIENT_ID_PATTERN)]


class ContentType(StrEnum):
    """The two forms the service writes (A04)."""

    BLOG = "blog"
    SOCIAL = "social"


class Priority(StrEnum):
    """Priority of a client (A04): it chooses the model and how long the job may wait."""

    COST = "cost"
    QUALITY = "quality"
    SPEED = "speed"
    BALANCED = "balanced"


class JobStatus(StrEnum):
    """A job is pending or in_progress, then exactly one of the four others, for ever."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def final(self) -> bool:
        """True when nothing can change the job any more."""
        return self not in (JobStatus.PENDING, JobStatus.IN_PROGRESS)


class Strict(BaseModel):
    """Base of everything that crosses a boundary: unknown fields are refused, values never change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def as_stored(cls, value: object) -> Self:
        """The value as a release of ours stored it. Fields that a later one has added are left out: after a rollback
        its rows are still there, and while it rolls out its processes run beside those of the release before.
        """
        return cls.model_validate(value, extra="ignore")

    @classmethod
    def as_stored_json(cls, text: str | bytes) -> Self:
        """The same from JSON."""
        return cls.model_validate_json(text, extra="ignore")


class Assignment(Strict):
    """Text to write, without its client: the part that decides the text, so also the key of the response cache."""

    topic: Topic = Field(description="What to write about.", examples=["How to brew better coffee at home"])
    content_type: ContentType = Field(description="The form of the text.", examples=[ContentType.BLOG])
    keywords: Annotated[tuple[Keyword, ...], FailFast()] = Field(
        default=(), max_length=KEYWORDS, description="Words the text should use.", examples=[["grind size", "water"]]
    )
    priority: Priority = Field(
        default=Priority.BALANCED,
        description="What matters most to you; for `cost` a text may take a day where the service orders in batches.",
    )


class GenerationRequest(Assignment):
    """The body of POST /generate (A04)."""

    client_id: ClientId | None = Field(
        None, description="Who asks. With an API key it is that key's client, and may be left out.", examples=["acme"]
    )
    fresh: bool = Field(
        default=False, description="Always write a new text, although one for the same request is there."
    )

    def assignment(self) -> Assignment:
        """The request without the client."""
        return Assignment.model_validate(self.model_dump(include=set(Assignment.model_fields)))


class Section(Strict):
    """One titled part of a blog post; paragraphs are separated by an empty line."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    body: Annotated[str, StringConstraints(min_length=1, max_length=8000)]


class Source(Strict):
    """A web page that a text draws on."""

    title: Annotated[Line, StringConstraints(min_length=1, max_length=200)]
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00-\x1f\x7f]+$", max_length=2000)]


class Extra(StrEnum):
    """A part that a text may be without: it is there, or could not be had."""

    DONE = "done"
    UNAVAILABLE = "unavailable"


def _missing(value: object) -> bool:
    return not value


class Content(Strict):
    """The text itself. Checked before it is stored: a model's answer is input like any other (OWASP API10)."""

    content_type: ContentType
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=SHORTEST_TOPIC, max_length=TOPIC_LENGTH)]
    introduction: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000)]
    sections: tuple[Section, ...] = Field(default=(), max_length=20)
    conclusion: Annotated[str, StringConstraints(strip_whitespace=True, max_length=8000)] = ""
    hashtags: tuple[Annotated[str, StringConstraints(pattern=r"^#\w+$", max_length=80)], ...] = Field(
        default=(), max_length=20
    )
    keywords_used: tuple[Keyword, ...] = Field(default=(), max_length=KEYWORDS)
    research: Extra | None = Field(
        None, exclude_if=_missing, description="Whether the topic was searched for; left out where nothing is searched."
    )
    sources: tuple[Source, ...] = Field(
        default=(), max_length=10, exclude_if=_missing, description="Pages that were found for the topic."
    )
    picture: Extra | None = Field(
        None,
        exclude_if=_missing,
        description="Whether GET /pictures/{job_id} has a picture; left out if none was asked.",
    )

    @model_validator(mode="after")
    def _shaped_like_its_type(self) -> Self:
        if self.content_type is ContentType.BLOG and (len(self.sections) < 2 or not self.conclusion):
            raise ValueError("a blog post needs at least two sections and a conclusion")
        if self.content_type is ContentType.SOCIAL and (self.sections or len(self.text()) > SOCIAL_LENGTH):
            raise ValueError(f"a social post has no sections and at most {SOCIAL_LENGTH} characters")
        return self

    def text(self) -> str:
        """The whole text in reading order, without titles."""
        parts = (self.introduction, *(section.body for section in self.sections), self.conclusion)
        return "\n\n".join(part for part in (*parts, " ".join(self.hashtags)) if part)


SOCIAL_LENGTH = 600


class Usage(Strict):
    """Usage of a text: tokens in and out (thinking included), and US dollars; all 0 for a text that was there."""

    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    cost_usd: float = Field(ge=0)


class Written(Strict):
    """Answer of a writer without its text: its author, its usage, and whether it came from the response cache."""

    provider: str
    model: str
    usage: Usage
    cached: bool = False


class Draft(Written):
    """Answer of a writer of content generation."""

    content: Content


# Names that a provider gave: they become part of addresses, so nothing that could lead elsewhere may be in them.
GivenName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,120}$")]


class Ticket(Strict):
    """Place of a text that was ordered together with others: a provider's batch and the item in it (D01)."""

    provider: str
    model: str
    batch: GivenName
    item: GivenName
    given_at: datetime


class Waiting(Strict):
    """A text that is not there yet: when to ask for it again, and how much longer it is worth waiting for."""

    ticket: Ticket
    again_seconds: float = Field(ge=0)
    left_seconds: float = Field(ge=0)
