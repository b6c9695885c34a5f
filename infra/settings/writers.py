"""Language models behind the service."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from infra.settings.value_types import OBJECT_NAME, Model


class Writer(StrEnum):
    """Provider of the texts; ``embedded`` makes them up, without a network and without a key."""

    EMBEDDED = "embedded"
    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"


class WriterSettings(Model):
    """The language models behind the service (requirement E07). The embedded cloud always uses the embedded writer."""

    providers: tuple[Annotated[Writer, Field(strict=False)], ...] = Field(
        (Writer.EMBEDDED,), strict=False, min_length=1, description="in the order they are tried"
    )
    secret: str | None = Field(
        None,
        pattern=OBJECT_NAME,
        description="Kubernetes Secret with a key <provider>_api_key for each, made by the keys' owner",
    )
    batches: bool = Field(
        False, description="whether texts of priority `cost` come from the provider's batches: half the price, in a day"
    )
