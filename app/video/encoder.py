"""ffmpeg as a process without a shell, bounded in time, memory and output; frames go in by its standard input."""

import asyncio
import resource
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import imageio_ffmpeg

from app.video.lettering import HEIGHT, WIDTH

SECONDS_LIMIT: Final = 60.0
MEMORY_BYTES: Final = 1024 * 1024 * 1024
"""Address space of the encoder; it uses about 100 MB of it for pictures of this size."""
OUTPUT_BYTES: Final = 8 * 1024 * 1024
REPORT_BYTES: Final = 2000


class EncodingFailed(Exception):
    """ffmpeg did not make a video; ``kind`` is of app.failures."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def program() -> str:
    """Path of ffmpeg, which the package imageio-ffmpeg brings."""
    return str(imageio_ffmpeg.get_ffmpeg_exe())


async def encode(
    frames: Iterable[bytes], rate: int, *, seconds: float = SECONDS_LIMIT, most: int = OUTPUT_BYTES
) -> bytes:
    """``rate`` frames a second as H.264 in an MP4 whose index stands first, so that it plays while it is loaded. Raises
    EncodingFailed.
    """
    with tempfile.TemporaryDirectory(prefix="contentgen-video-") as folder:
        made = Path(folder) / "video.mp4"
        source = (
            *("-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", f"{WIDTH}x{HEIGHT}"),
            *("-framerate", str(rate), "-i", "pipe:0"),
        )
        target = (
            *("-an", "-c:v", "libx264", "-preset", "veryfast", "-threads", "1", "-pix_fmt", "yuv420p"),
            *("-movflags", "+faststart", "-f", "mp4", str(made)),
        )
        await _run((*source, *target), frames, seconds, most)
        return await asyncio.to_thread(made.read_bytes)


async def decoded_frames(video: bytes, *, seconds: float = SECONDS_LIMIT) -> int:
    """Number of frames that ffmpeg decodes of a video, every error being fatal. Raises EncodingFailed."""
    with tempfile.TemporaryDirectory(prefix="contentgen-video-") as folder:
        given = Path(folder) / "video.mp4"
        await asyncio.to_thread(given.write_bytes, video)
        arguments = ("-xerror", "-i", str(given), "-map", "0:v:0", "-f", "framemd5", "-")
        report = await _run(arguments, (), seconds, OUTPUT_BYTES)
    return sum(not line.startswith("#") for line in report.splitlines() if line)


async def _run(arguments: Iterable[str], frames: Iterable[bytes], seconds: float, most: int) -> str:
    """Run ffmpeg to its end; its standard output. Raises EncodingFailed."""
    async with _started(arguments, most) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            async with asyncio.timeout(seconds):
                output, errors, _ = await asyncio.gather(
                    process.stdout.read(), process.stderr.read(), _feed(process, frames)
                )
                code = await process.wait()
        except TimeoutError:
            raise EncodingFailed("video_slow", f"ffmpeg took longer than {seconds:g} s") from None
    if code != 0:
        said = errors.decode(errors="replace")[-REPORT_BYTES:].strip()
        raise EncodingFailed("video_failed", f"ffmpeg ended with {code}: {said}")
    return output.decode(errors="replace")


@asynccontextmanager
async def _started(arguments: Iterable[str], most: int) -> AsyncIterator[Process]:
    """The process, which never outlives the block. Raises EncodingFailed."""
    command = (program(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *arguments)
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env={})
    except OSError as error:
        raise EncodingFailed("video_failed", f"ffmpeg cannot be started: {type(error).__name__}") from error
    try:
        # It waits for its first frame or reads a small file meanwhile, so that it has not outgrown anything yet.
        with suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, most))
            resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
        yield process
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _feed(process: Process, frames: Iterable[bytes]) -> None:
    """Frames as fast as they are taken; an encoder that ends early has an exit code."""
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        source = iter(frames)
        # A picture takes milliseconds to draw, in which the process answers others.
        while frame := await asyncio.to_thread(next, source, b""):
            process.stdin.write(frame)
            await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()
