"""Pictures of a text video: a title, then its lines a few at a time, as frames."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw

from app.video.lettering import HEIGHT, MARGIN, WIDTH, TextUnfit, check_letters, font, legible, wrapped

TITLE_SIZE, LINE_SIZE = 34, 22
LINES_OF_SLIDE: Final = 7
MOST_SLIDES: Final = 40
PAPER, INK, FAINT, ACCENT = (251, 250, 247), (29, 35, 39), (89, 99, 107), (31, 95, 91)


@dataclass(frozen=True)
class Slide:
    """One picture's text; a line that is continued begins without a gap."""

    title: str
    lines: tuple[str, ...] = ()


def slides_of(title: str, lines: Sequence[str]) -> tuple[Slide, ...]:
    """The slides of a text. Raises TextUnfit."""
    title, *lines = legible(title, *lines)
    check_letters(title)
    check_letters("".join(lines))
    parts = [part for line in lines for part in wrapped(line, LINE_SIZE)]
    groups = [parts[first : first + LINES_OF_SLIDE] for first in range(0, len(parts), LINES_OF_SLIDE)]
    if len(groups) >= MOST_SLIDES:
        raise TextUnfit("video_too_long", f"{len(groups)} slides, allowed are {MOST_SLIDES}")
    return (Slide(title), *(Slide(title, tuple(group)) for group in groups))


def picture(slide: Slide, place: int, of: int) -> Image.Image:
    """One slide as it is shown; the bar below says how far the video is."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(image)
    top = MARGIN if slide.lines else HEIGHT // 3
    for line in wrapped(slide.title, TITLE_SIZE)[: 1 if slide.lines else 4]:
        draw.text((MARGIN, top), line, INK if not slide.lines else FAINT, font=font(TITLE_SIZE))
        top += TITLE_SIZE + 8
    top += 10
    for line in slide.lines:
        draw.text((MARGIN, top), line, INK, font=font(LINE_SIZE))
        top += LINE_SIZE + 10
    draw.rectangle((0, HEIGHT - 8, WIDTH * (place + 1) // of, HEIGHT), fill=ACCENT)
    return image


def frames(slides: Sequence[Slide], each: int) -> Iterator[bytes]:
    """Raw RGB frames, ``each`` of one slide."""
    for place, slide in enumerate(slides):
        drawn = picture(slide, place, len(slides)).tobytes()
        for _ in range(each):
            yield drawn
