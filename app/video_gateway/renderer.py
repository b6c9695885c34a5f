"""The contract that the gateway's two renderers keep."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from app.ids import JobId

Report = Callable[[int], None]
"""Takes the percentage that is done; may be called at any rate."""


@dataclass(frozen=True)
class Order:
    """A video to be rendered."""

    id: JobId
    prompt: str
    seconds: int


class Renderer(Protocol):
    """Renders one video at a time, or several beside each other."""

    async def render(self, order: Order, report: Report) -> bytes:
        """An MP4. Raises app.video.failure.VideoFailed; a cancellation ends the rendering wherever it runs."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...
