"""The embedded renderer: a moving picture of each prompt, the same each time, in flat memory."""

from __future__ import annotations

import asyncio
import itertools
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ids import JobId
from app.video.encoder import decoded_frames
from app.video.lettering import HEIGHT, WIDTH, TextUnfit
from app.video.scenes import frames, scene_of
from app.video_gateway.embedded import EmbeddedRenderer
from app.video_gateway.renderer import Order

BYTES = WIDTH * HEIGHT * 3


def rendered(prompt: str, seconds: int) -> tuple[bytes, list[int], int]:
    async def run() -> tuple[bytes, list[int], int]:
        seen: list[int] = []
        video = await EmbeddedRenderer().render(Order(JobId.new("use1"), prompt, seconds), seen.append)
        return video, seen, await decoded_frames(video)

    return asyncio.run(run())


@pytest.mark.parametrize("seconds", [2, 10])
def test_a_video_has_its_length_plays_and_reports_how_far_it_is(seconds: int) -> None:
    video, seen, count = rendered("A red kite over green hills", seconds)
    assert count == 12 * seconds
    assert 0 < video.index(b"moov") < video.index(b"mdat")
    assert (seen[0], len(seen), seen) == (0, 12 * seconds, sorted(seen))
    assert 90 <= seen[-1] < 100
    assert len(video) < 2_000_000


def test_every_frame_is_another_picture_and_the_same_prompt_gives_the_same_video() -> None:
    one, same, other = (list(frames(scene_of(prompt), 24)) for prompt in ("a b c", "a b c", "a b d"))
    assert {len(frame) for frame in one} == {BYTES}
    assert len(set(one)) == 24
    assert one == same
    assert not set(one) & set(other)


def test_a_word_that_names_a_colour_has_it() -> None:
    assert [shape.colour for shape in scene_of("Red, and (green)").shapes][::2] == [(255, 0, 0), (0, 128, 0)]


def test_a_long_prompt_is_shown_part_by_part_without_losing_a_word() -> None:
    prompt = " ".join(f"word{number}" for number in range(280))[:2000]
    scene = scene_of(prompt)
    assert len(scene.shapes) == 12
    assert all(1 <= len(part) <= 3 for part in scene.captions)
    assert " ".join(line for part in scene.captions for line in part) == prompt


@pytest.mark.parametrize("word", ["x" * 2000, "W" * 2000, "\N{LATIN SMALL LETTER E WITH ACUTE}" * 2000])
def test_a_prompt_of_one_long_word_is_broken_into_lines_at_once(word: str) -> None:
    began = time.monotonic()
    scene = scene_of(word)
    assert time.monotonic() - began < 2
    assert len("".join(line for part in scene.captions for line in part)) == 2000


def test_letters_that_the_font_lacks_are_refused_before_anything_is_drawn() -> None:
    with pytest.raises(TextUnfit) as unfit:
        scene_of("赤い凧が緑の丘の上を飛ぶ")
    assert unfit.value.kind == "video_letters"


def test_frames_are_drawn_one_by_one_in_memory_that_does_not_grow() -> None:
    drawn = frames(scene_of("a kite over hills"), 120)
    next(drawn)
    tracemalloc.start()
    try:
        for _ in itertools.islice(drawn, 100):
            pass
        assert tracemalloc.get_traced_memory()[1] < 10 * BYTES
    finally:
        tracemalloc.stop()


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Z")), min_size=1, max_size=200))
def test_any_prompt_of_letters_that_the_font_has_can_be_drawn(prompt: str) -> None:
    if prompt.split():
        assert len(next(frames(scene_of(prompt), 12))) == BYTES
