"""recipe-app: an API, a worker that writes recipes, and one on spot nodes that renders their videos."""

import random
from collections.abc import Mapping

from tests.load.product import Ask, Floor, Product, Role, Spot

COMPLEXITIES = ("simple", "demanding")
"""Recipe-app's priorities: each has a place in the queue and a model of its own."""
PANTRY = ("rice", "tomatoes", "basil", "spaghetti", "beans", "onions")


def _recipe(number: int) -> Mapping[str, object]:
    first = random.choice(PANTRY)
    # Another number of servings and another herb is another recipe, which no cache has.
    return {
        "ingredients": [first, f"herb {number}"],
        "servings": 1 + number % 20,
        "complexity": random.choice(COMPLEXITIES),
    }


RECIPE = Ask("recipe", 3, "/api/recipes", "/api/recipes/{id}", _recipe, "SELECT id, status, attempt FROM recipes")
VIDEO = Ask(
    *("video", 1, "/api/recipes/{of}/video", "/api/recipes/{of}/video"),
    body=lambda _: {},
    made="SELECT id, status, attempt FROM videos",
)
RENDERER = Role("renderer", ("worker", "--queue", "video_generation"))
RECIPE_APP = Product(
    name="recipe-app",
    asks=(RECIPE, VIDEO),
    id_field="id",
    accepted=202,
    done="ready",
    tables=("recipes", "videos", "users", "pgqueuer", "pgqueuer_log"),
    api=Role("recipes", ("serve", "--role", "recipes")),
    workers=(Role("writer", ("worker", "--queue", "ai_generation")), RENDERER),
    page=Role("recipes-page", ("serve", "--role", "recipes-page")),
    listing="/api/recipes",
    floor=Floor(
        "app.recipe_app.models:NewRecipe",
        "id text PRIMARY KEY, created_at timestamptz NOT NULL, owner text NOT NULL, wanted jsonb NOT NULL,"
        " servings integer NOT NULL, diet text, complexity text NOT NULL, request_id text,"
        " expires_at timestamptz NOT NULL",
        "INSERT INTO bare (id, created_at, owner, wanted, servings, diet, complexity, expires_at)"
        " VALUES ($1, now(), 'guest', $2, $3, $4, $5, now() + interval '1 day')",
        ("ingredients", "servings", "diet", "complexity"),
    ),
    bucket=True,
    spot=Spot(RENDERER, VIDEO),
)
