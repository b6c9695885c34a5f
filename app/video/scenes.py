"""Moving pictures of a text without a GPU and without a network: shapes on a gradient, with the text as a caption.

Colours and paths come from a hash of the prompt and of each of its words, so that the same prompt gives the same video;
a word that names a colour has it. The caption is above, where no player has its buttons.
Frames are drawn one by one while ffmpeg encodes them: a longer video needs no more memory.
"""

import colorsys
import hashlib
import math
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageColor, ImageDraw

from app.video.lettering import HEIGHT, MARGIN, WIDTH, check_letters, font, legible, wrapped

SHAPES: Final = 12
"""Shapes of one video, one a word; later words have none."""
CAPTION_SIZE: Final = 22
CAPTION_LINES: Final = 3
"""Lines shown at a time; a long prompt is shown part by part."""
COARSE: Final = (32, 18)
"""Points of the gradient that are computed; the picture between them is interpolated."""
PAPER, INK = (12, 16, 20), (250, 250, 247)
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Shape:
    """One word as a shape on an ellipse about the middle; the figures are shares of one."""

    colour: Colour
    radius: float
    reach: float
    phase: float
    turns: int


@dataclass(frozen=True)
class Scene:
    """A prompt as a moving picture."""

    hue: float
    shapes: tuple[Shape, ...]
    captions: tuple[tuple[str, ...], ...]


def scene_of(prompt: str) -> Scene:
    """The picture of a prompt. Raises TextUnfit."""
    (text,) = legible(" ".join(prompt.split()))
    check_letters(text)
    lines = wrapped(text, CAPTION_SIZE)
    captions = tuple(tuple(lines[at : at + CAPTION_LINES]) for at in range(0, len(lines), CAPTION_LINES))
    return Scene(_shares(prompt)[0], tuple(map(_shape, prompt.split()[:SHAPES])), captions)


def frames(scene: Scene, count: int) -> Iterator[bytes]:
    """Raw RGB frames."""
    strips = [_strip(lines) for lines in scene.captions]
    for number in range(count):
        at = number / count
        image = _gradient(scene.hue, at)
        draw = ImageDraw.Draw(image)
        for shape in scene.shapes:
            _place(draw, shape, at)
        image.paste(strips[int(at * len(strips))], (0, 0))
        yield image.tobytes()


def _shares(text: str) -> Sequence[float]:
    """Numbers from 0 to 1 that are the same for the same text."""
    return [byte / 255 for byte in hashlib.sha256(text.encode()).digest()[:5]]


def _shape(word: str) -> Shape:
    hue, radius, reach, phase, turns = _shares(word)
    named = ImageColor.colormap.get(word.strip(string.punctuation).lower())
    colour = ImageColor.getrgb(str(named))[:3] if named else _colour(hue, 0.55, 0.95)
    return Shape(colour, 0.04 + 0.08 * radius, 0.15 + 0.25 * reach, phase, 1 + round(turns))


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def _gradient(hue: float, at: float) -> Image.Image:
    wide, high = COARSE
    coarse = Image.new("RGB", COARSE)
    coarse.putdata(
        [
            _colour(hue + at / 3 + x / wide / 4, 0.6, 0.35 + 0.25 * math.sin(2 * math.pi * (at + y / high / 2)))
            for y in range(high)
            for x in range(wide)
        ]
    )
    return coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def _place(draw: ImageDraw.ImageDraw, shape: Shape, at: float) -> None:
    angle = 2 * math.pi * (shape.phase + shape.turns * at)
    x, y = WIDTH * (0.5 + shape.reach * math.cos(angle)), HEIGHT * (0.55 + shape.reach * math.sin(angle))
    size = HEIGHT * shape.radius
    draw.ellipse((x - size, y - size, x + size, y + size), fill=shape.colour)


def _strip(lines: Sequence[str]) -> Image.Image:
    step = CAPTION_SIZE + 8
    strip = Image.new("RGB", (WIDTH, step * len(lines) + 16), PAPER)
    draw = ImageDraw.Draw(strip)
    for place, line in enumerate(lines):
        draw.text((MARGIN, 8 + step * place), line, INK, font=font(CAPTION_SIZE))
    return strip
