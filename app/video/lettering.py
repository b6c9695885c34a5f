"""Lettering of videos: what the font that comes with Pillow can show, and lines that fit a picture."""

import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 640, 360
MARGIN: Final = 36
MOST_CHARACTERS: Final = 20_000
"""Text of one video; measured before anything is drawn, because wrapping takes time for each letter."""
LETTERS_SHARE: Final = 0.9
"""Least share of the letters of a text that the font must have: the font shows an empty box for any other."""
_NOWHERE: Final = "\uffff"
"""A character that no font has: it is drawn as the font draws what is missing."""
_SAMPLE: Final = 22


class TextUnfit(Exception):
    """The text cannot be shown; ``kind`` is of app.failures."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def legible(*texts: str) -> Sequence[str]:
    """The texts with letters that the font lacks as those that they are made from. Raises TextUnfit when they are too
    long, or one has too many letters that cannot be shown.
    """
    if sum(map(len, texts)) > MOST_CHARACTERS:
        raise TextUnfit("video_too_long", f"more than {MOST_CHARACTERS} characters")
    return [_legible(text) for text in texts]


def check_letters(text: str) -> None:
    """Raises TextUnfit for a text that would be mostly empty boxes."""
    letters = [letter for letter in text if letter.isalpha()]
    if sum(map(_known, letters)) < LETTERS_SHARE * len(letters):
        raise TextUnfit("video_letters", f"the font has less than {LETTERS_SHARE:.0%} of the letters")


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font in a size, in pixels."""
    return ImageFont.load_default(size)


def _legible(text: str) -> str:
    """An accent that the font lacks is left out."""
    return "".join(letter if letter.isascii() or _known(letter) else _base(letter) for letter in text)


def _base(letter: str) -> str:
    bare = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return bare if bare.isascii() and bare else letter


@cache
def _known(letter: str) -> bool:
    return _drawn(letter) != _drawn(_NOWHERE)


@cache
def _drawn(letter: str) -> bytes:
    image = Image.new("L", (2 * _SAMPLE, 2 * _SAMPLE))
    ImageDraw.Draw(image).text((2, 2), letter, 255, font=font(_SAMPLE))
    return image.tobytes()


def wrapped(text: str, size: int) -> list[str]:
    """Lines that fit the picture; a word that is wider than it is broken."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if fits(longer, size):
            lines[-1] = longer
            continue
        rest = word
        while not fits(rest, size):
            room = _room(rest, size)
            lines.append(rest[:room])
            rest = rest[room:]
        lines.append(rest)
    return [line for line in lines if line]


def _room(text: str, size: int) -> int:
    """Letters of a text that fit a line, at least one; the width grows with each, so few lengths are measured."""
    lengths = range(1, len(text) + 1)
    return max(1, bisect_left(lengths, True, key=lambda length: not fits(text[:length], size)))


def fits(text: str, size: int) -> bool:
    """True if a line of text is no wider than the picture between its margins."""
    return font(size).getlength(text) <= WIDTH - 2 * MARGIN
