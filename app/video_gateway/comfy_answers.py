"""Answers of a ComfyUI server, as far as the gateway reads them: the history's entries, the queue, and messages."""

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from app.video.failure import VideoFailed

ENDS: Final = ("execution_success", "execution_error", "execution_interrupted")
SUCCESS: Final = "success"


class VideoFile(BaseModel):
    """A file that a node saved; the fields are the parameters of GET /view."""

    filename: str
    subfolder: str = ""
    type: str


class Status(BaseModel):
    """Outcome of a graph, with the messages that were sent about it."""

    status_str: str
    messages: list[tuple[str, dict[str, object]]] = []


class Entry(BaseModel):
    """The history's entry of a graph. Releases without a status had no entry of what failed."""

    status: Status | None = None
    outputs: dict[str, dict[str, object]] = {}

    @property
    def good(self) -> bool:
        """True if every node was executed."""
        return self.status is None or self.status.status_str == SUCCESS

    def video(self) -> VideoFile | None:
        """The first MP4 that was saved: SaveVideo names it below ``images``, other nodes elsewhere."""
        return next((file for file in self._files() if file.type == "output" and file.filename.endswith(".mp4")), None)

    def failure(self) -> VideoFailed:
        """The reason of a graph that is not good."""
        messages = dict(self.status.messages) if self.status else {}
        if "execution_interrupted" in messages:
            return VideoFailed("renderer_interrupted", "interrupted at the server")
        error = messages.get("execution_error", {})
        return VideoFailed("video_failed", f"{error.get('node_type')}: {str(error.get('exception_message'))[:500]}")

    def _files(self) -> Iterator[VideoFile]:
        lists = (found for output in self.outputs.values() for found in output.values() if isinstance(found, list))
        for file in (file for found in lists for file in found):
            try:
                yield VideoFile.model_validate(file)
            except ValidationError:
                continue


class Queued(BaseModel):
    """The queue: of each graph its number, its id, and more."""

    running: list[list[object]] = Field(alias="queue_running")
    pending: list[list[object]] = Field(alias="queue_pending")

    def has(self, run: str, *, running: bool = False) -> bool:
        """True if a graph is executed, or else waits."""
        return any(run in item[1:2] for item in (*self.running, *(() if running else self.pending)))


class Accepted(BaseModel):
    """Answer to POST /prompt."""

    prompt_id: str


class Message(BaseModel):
    """A message of the WebSocket."""

    type: str
    data: dict[str, object] = {}

    def ends(self, run: str) -> bool:
        """True if a graph has ended, however."""
        finished = self.type == "executing" and self.data.get("node") is None
        return self.data.get("prompt_id") == run and (finished or self.type in ENDS)

    def percent(self, run: str) -> int | None:
        """Steps of the node that works, below 100 because others come after it; None in any other message."""
        value, most = self.data.get("value"), self.data.get("max")
        if self.type != "progress" or self.data.get("prompt_id") != run:
            return None
        if not (isinstance(value, int | float) and isinstance(most, int | float) and most > 0):
            return None
        return min(99, max(0, int(100 * value / most)))


HISTORY: Final = TypeAdapter(dict[str, Entry])
"""Answer to GET /history/{id}: empty without an entry."""
