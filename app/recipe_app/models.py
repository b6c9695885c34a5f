"""Recipes as requests, writers and answers have them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, FailFast, Field, StringConstraints, field_validator

from app.domain import Line, Strict, Written
from app.limits import INGREDIENT_LENGTH, RECIPE_INGREDIENTS, RECIPE_SERVINGS

# A word that a person can cook with has a letter in it.
Ingredient = Annotated[
    Line,
    StringConstraints(
        min_length=1, max_length=INGREDIENT_LENGTH, pattern=r"^[^\x00-\x1f\x7f]*[^\W\d_][^\x00-\x1f\x7f]*$"
    ),
]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=600)]
LONGEST_TITLE, LONGEST_AMOUNT = 200, 60
MOST_STEPS, MOST_MINUTES = 60, 24 * 60


class Diet(StrEnum):
    """Diet of a person; a recipe has no food that it excludes."""

    VEGETARIAN = "vegetarian"
    VEGAN = "vegan"
    GLUTEN_FREE = "gluten_free"
    LACTOSE_FREE = "lactose_free"


class Complexity(StrEnum):
    """Effort of a recipe: a simple one is written by a cheaper model (D01)."""

    SIMPLE = "simple"
    DEMANDING = "demanding"


class NewRecipe(Strict):
    """The body of POST /api/recipes; all of it decides the recipe, so it is the key of the response cache too."""

    ingredients: Annotated[tuple[Ingredient, ...], FailFast()] = Field(
        min_length=1, max_length=RECIPE_INGREDIENTS, examples=[["rice", "tomatoes", "basil"]]
    )
    servings: int = Field(2, ge=1, le=RECIPE_SERVINGS, strict=True)
    diet: Diet | None = None
    complexity: Complexity = Complexity.SIMPLE

    @field_validator("ingredients")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """The first of two names that differ in case alone is kept."""
        seen: dict[str, str] = {}
        for name in value:
            seen.setdefault(name.casefold(), name)
        return tuple(seen.values())


class Amount(Strict):
    """One ingredient with its amount for all servings."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TITLE)]
    amount: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_AMOUNT)]


class Recipe(Strict):
    """The recipe itself. Checked before it is stored: a model's answer is input like any other (OWASP API10)."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=LONGEST_TITLE)]
    ingredients: tuple[Amount, ...] = Field(min_length=1, max_length=2 * RECIPE_INGREDIENTS)
    steps: tuple[Sentence, ...] = Field(min_length=1, max_length=MOST_STEPS)
    minutes: int = Field(ge=1, le=MOST_MINUTES, description="From the first cut to the table.")
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=600)] = ""


class RecipeDraft(Written):
    """Answer of a writer of recipes."""

    recipe: Recipe


class RecipeStatus(StrEnum):
    """State of a recipe or a video; the text of an ``archived`` recipe was moved to the archive after six months."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    READY = "ready"
    FAILED = "failed"
    ARCHIVED = "archived"


class Accepted(BaseModel):
    """A job that is stored and cannot get lost."""

    id: str
    status: RecipeStatus = RecipeStatus.PENDING
    url: str = Field(description="Path to ask for the result.")


class RecipeView(BaseModel):
    """A recipe as its owner sees it; title, ingredients, steps and minutes are there once it is ready."""

    model_config = ConfigDict(frozen=True)

    id: str
    status: RecipeStatus
    created_at: datetime
    updated_at: datetime
    wanted: tuple[str, ...] = Field(description="Ingredients as they were named.")
    servings: int
    diet: Diet | None = None
    complexity: Complexity
    title: str | None = None
    ingredients: tuple[Amount, ...] = ()
    steps: tuple[str, ...] = ()
    minutes: int | None = None
    note: str = ""
    provider: str | None = None
    model: str | None = None
    video: RecipeStatus | None = Field(None, description="State of the video; null before one is asked for.")
    error: str | None = Field(None, description="Reason of a failure, in words.")


class VideoView(BaseModel):
    """State of a recipe's video, and where it is once it is ready."""

    recipe: str
    status: RecipeStatus
    url: str | None = Field(None, description="Signed address in the bucket, for `expires_in` seconds.")
    file: str | None = Field(None, description="The same by this service, for a page of its own origin.")
    expires_in: int | None = None
    bytes: int | None = None
    error: str | None = None
