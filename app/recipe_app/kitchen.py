"""Foods that the embedded writer knows: how much of each a serving takes, its preparation, time and diets."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from pydantic import BaseModel, ConfigDict

from app.recipe_app.models import Diet

UNKNOWN: Final = "other"


class Food(BaseModel):
    """One entry of foods.toml. Of grams, millilitres and pieces, each for one serving, exactly one is there."""

    model_config = ConfigDict(frozen=True)

    kind: str
    words: tuple[str, ...] = ()
    grams: int | None = None
    millilitres: int | None = None
    pieces: int | None = None
    minutes: int
    cut: str
    never: frozenset[Diet] = frozenset()


# An unknown food is treated like a vegetable: it is cut, cooked until done, and tasted.
_OTHER: Final = Food(kind=UNKNOWN, grams=100, minutes=12, cut="clean and cut into pieces")


@dataclass(frozen=True)
class Portion:
    """An ingredient as a person named it, with the food that it is."""

    name: str
    food: Food

    def amount(self, servings: int) -> str:
        """Amount for all servings, in the units of a kitchen scale."""
        food = self.food
        if food.pieces is not None:
            return str(food.pieces * servings)
        if food.millilitres is not None:
            return _measured(food.millilitres * servings, "ml", "l")
        return _measured((food.grams or 0) * servings, "g", "kg")


def _measured(small: int, unit: str, thousand: str) -> str:
    return f"{small / 1000:g} {thousand}" if small >= 1000 else f"{small} {unit}"


def portion(name: str) -> Portion:
    """The food of an ingredient: that of the longest known word in its name; the last of two as long, as in "tomato
    soup".
    """
    words = re.findall(r"\w+", name.casefold())
    phrases = {" ".join(words[first:last]) for first in range(len(words)) for last in range(first + 1, len(words) + 1)}
    known = [(len(word), food) for word, food in _words().items() if word in phrases]
    return Portion(name, max(known, key=lambda entry: entry[0])[1] if known else _OTHER)


@cache
def _words() -> dict[str, Food]:
    """Every known word with its food."""
    text = (files("app.recipe_app") / "foods.toml").read_text(encoding="utf-8")
    foods = [Food.model_validate(entry) for entry in tomllib.loads(text)["foods"]]
    return {word: food for food in foods for word in food.words}
