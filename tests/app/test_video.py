"""Short videos from text: playable, bounded in time, memory and size, and refused in words when they cannot be made."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.failures import FAILURES
from app.video import encoder, lettering, slides
from app.video.encoder import EncodingFailed, decoded_frames, encode
from app.video.failure import VideoFailed
from app.video.lettering import HEIGHT, WIDTH, TextUnfit
from app.video.render import render
from app.video.slides import LINES_OF_SLIDE, Slide, frames, picture, slides_of

BLACK = bytes(WIDTH * HEIGHT * 3)


def test_a_text_becomes_an_mp4_that_decodes_without_an_error() -> None:
    async def made() -> tuple[bytes, int]:
        video = await render("Rice with tomatoes", ["Boil the rice.", "Serve it."])
        return video, await decoded_frames(video)

    video, count = asyncio.run(made())
    assert video[4:8] == b"ftyp"
    # The index stands before the pictures, so that the video plays while it is loaded.
    assert 0 < video.index(b"moov") < video.index(b"mdat")
    assert count == 12
    assert len(video) < 100_000


def test_half_a_video_is_seen_to_be_damaged() -> None:
    async def damaged() -> None:
        video = await render("Rice", ["Boil it."])
        await decoded_frames(video[: len(video) // 2])

    with pytest.raises(EncodingFailed, match="ffmpeg ended with"):
        asyncio.run(damaged())


def test_an_encoder_that_takes_too_long_is_ended() -> None:
    with pytest.raises(EncodingFailed, match=r"ffmpeg took longer than 0\.2 s") as late:
        asyncio.run(encode((BLACK for _ in range(100_000)), 4, seconds=0.2))
    assert late.value.kind == "video_slow"


def test_an_output_that_grows_too_large_ends_the_encoder() -> None:
    with pytest.raises(EncodingFailed, match="ffmpeg ended with") as large:
        asyncio.run(encode([BLACK] * 8, 4, most=500))
    assert large.value.kind == "video_failed"


def test_an_encoder_that_wants_more_memory_than_it_may_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "MEMORY_BYTES", 1024 * 1024)
    with pytest.raises(EncodingFailed):
        asyncio.run(encode([BLACK] * 8, 4))


def test_an_encoder_that_is_missing_or_fails_is_a_failure_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "program", lambda: "/bin/false")
    with pytest.raises(VideoFailed) as failed:
        asyncio.run(render("Rice", ["Boil it."]))
    assert FAILURES[failed.value.kind].sentence == "The video could not be rendered."
    monkeypatch.setattr(encoder, "program", lambda: "/none/ffmpeg")
    with pytest.raises(VideoFailed, match="ffmpeg cannot be started: FileNotFoundError"):
        asyncio.run(render("Rice", ["Boil it."]))


@pytest.mark.parametrize(
    ("title", "lines", "kind"),
    [
        ("米饭", ["Boil the rice."], "video_letters"),
        ("Rice", ["米饭煮熟"], "video_letters"),
        ("Rice", ["word " * 4001], "video_too_long"),
        ("Rice", ["line"] * 300, "video_too_long"),
    ],
)
def test_a_text_that_cannot_be_shown_is_refused_before_anything_is_drawn(
    title: str, lines: list[str], kind: str
) -> None:
    with pytest.raises(TextUnfit) as unfit:
        slides_of(title, lines)
    assert unfit.value.kind == kind
    assert FAILURES[kind].final


def test_accents_are_shown_as_their_letters_and_a_word_that_is_too_wide_is_broken() -> None:
    found = slides_of("Crème brûlée", ["x" * 400])
    assert found[0] == Slide("Creme brulee")
    assert "".join(line for slide in found for line in slide.lines) == "x" * 400
    assert len(found[1].lines) <= LINES_OF_SLIDE


def test_each_slide_is_another_picture_of_the_right_size() -> None:
    shown = slides_of("Rice", [f"Step {number}" for number in range(20)])
    pictures = [picture(slide, place, len(shown)) for place, slide in enumerate(shown)]
    assert {one.size for one in pictures} == {(640, 360)}
    assert len({one.tobytes() for one in pictures}) == len(shown) == 4
    assert len(list(frames(shown, 6))) == 24


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("abc xyz\t\n", max_size=300), max_size=12))
def test_no_letter_of_a_text_is_lost(lines: list[str]) -> None:
    found = slides_of("Title", lines)
    shown = "".join(line for slide in found for line in slide.lines)
    assert shown.replace(" ", "") == "".join("".join(lines).split())
    assert all(lettering.fits(line, slides.LINE_SIZE) for slide in found for line in slide.lines)
