"""Pictures of a text video: a title, then its lines a few at a time, in the font that comes with Pillow."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 640, 360
MARGIN: Final = 36
TITLE_SIZE, LINE_SIZE = 34, 22
LINES_OF_SLIDE: Final = 7
MOST_SLIDES: Final = 40
MOST_CHARACTERS: Final = 20_000
"""Text of one video; measured before anything is drawn, because wrapping takes time for each letter."""
LETTERS_SHARE: Final = 0.9
"""Least share of the letters of title and text that the font must have: the font shows an empty box for any other."""
PAPER, INK, FAINT, ACCENT = (251, 250, 247), (29, 35, 39), (89, 99, 107), (31, 95, 91)
_NOWHERE: Final = "\uffff"
"""A character that no font has: it is drawn as the font draws what is missing."""


class TextUnfit(Exception):
    """The text cannot be shown; ``kind`` is of app.failures."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Slide:
    """One picture's text; a line that is continued begins without a gap."""

    title: str
    lines: tuple[str, ...] = ()


def slides_of(title: str, lines: Sequence[str]) -> tuple[Slide, ...]:
    """The slides of a text. Raises TextUnfit."""
    if sum(map(len, (title, *lines))) > MOST_CHARACTERS:
        raise TextUnfit("video_too_long", f"more than {MOST_CHARACTERS} characters")
    title, lines = _legible(title), [_legible(line) for line in lines]
    if not (_readable(title) and _readable("".join(lines))):
        raise TextUnfit("video_letters", f"the font has less than {LETTERS_SHARE:.0%} of the letters")
    wrapped = [part for line in lines for part in _wrapped(line, LINE_SIZE)]
    groups = [wrapped[first : first + LINES_OF_SLIDE] for first in range(0, len(wrapped), LINES_OF_SLIDE)]
    if len(groups) >= MOST_SLIDES:
        raise TextUnfit("video_too_long", f"{len(groups)} slides, allowed are {MOST_SLIDES}")
    return (Slide(title), *(Slide(title, tuple(group)) for group in groups))


def picture(slide: Slide, place: int, of: int) -> Image.Image:
    """One slide as it is shown; the bar below says how far the video is."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(image)
    top = MARGIN if slide.lines else HEIGHT // 3
    for line in _wrapped(slide.title, TITLE_SIZE)[: 1 if slide.lines else 4]:
        draw.text((MARGIN, top), line, INK if not slide.lines else FAINT, font=_font(TITLE_SIZE))
        top += TITLE_SIZE + 8
    top += 10
    for line in slide.lines:
        draw.text((MARGIN, top), line, INK, font=_font(LINE_SIZE))
        top += LINE_SIZE + 10
    draw.rectangle((0, HEIGHT - 8, WIDTH * (place + 1) // of, HEIGHT), fill=ACCENT)
    return image


def frames(slides: Sequence[Slide], each: int) -> Iterator[bytes]:
    """Raw RGB frames, ``each`` of one slide."""
    for place, slide in enumerate(slides):
        drawn = picture(slide, place, len(slides)).tobytes()
        for _ in range(each):
            yield drawn


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _legible(text: str) -> str:
    """The text with letters that the font lacks as the letters that they are made from: an accent is left out."""
    return "".join(letter if letter.isascii() or _known(letter) else _base(letter) for letter in text)


def _base(letter: str) -> str:
    bare = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return bare if bare.isascii() and bare else letter


def _readable(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return sum(map(_known, letters)) >= LETTERS_SHARE * len(letters)


@cache
def _known(letter: str) -> bool:
    return _drawn(letter) != _drawn(_NOWHERE)


@cache
def _drawn(letter: str) -> bytes:
    image = Image.new("L", (2 * LINE_SIZE, 2 * LINE_SIZE))
    ImageDraw.Draw(image).text((2, 2), letter, 255, font=_font(LINE_SIZE))
    return image.tobytes()


def _wrapped(text: str, size: int) -> list[str]:
    """Lines that fit the picture; a word that is wider than it is broken."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _fits(longer, size):
            lines[-1] = longer
            continue
        rest = word
        while not _fits(rest, size):
            room = next(length for length in range(len(rest), 0, -1) if length == 1 or _fits(rest[:length], size))
            lines.append(rest[:room])
            rest = rest[room:]
        lines.append(rest)
    return [line for line in lines if line]


def _fits(text: str, size: int) -> bool:
    return _font(size).getlength(text) <= WIDTH - 2 * MARGIN
