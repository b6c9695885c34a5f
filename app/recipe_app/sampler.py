"""The embedded writer of recipes: a dish that the ingredients make, composed from what app.recipe_app.kitchen knows.

The default, because a service must be usable without an account and its tests without a network. The same ingredients
always give the same recipe. Foods that a diet excludes are left out, and the note says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from app.domain import Usage
from app.recipe_app.kitchen import Portion, portion
from app.recipe_app.models import Amount, Complexity, NewRecipe, Recipe, RecipeDraft
from app.writers.base import WriterError

SAMPLE: Final = "This is a sample recipe: no language model wrote it."
MODELS: Final = {Complexity.SIMPLE: "embedded-brief", Complexity.DEMANDING: "embedded-full"}
_SEASONING: Final = frozenset(("herb", "spice", "fat"))
_FINISHING: Final = frozenset(("herb", "leaf", "dairy", "nut"))
_SWEET: Final = frozenset(("fruit", "sweet", "liquid", "nut"))
_STARCH: Final = frozenset(("pasta", "grain"))
_PROTEIN: Final = frozenset(("meat", "fish", "protein"))
LONGEST_LIST: Final = 400
"""Characters of names in one sentence; a longer list is continued in another step."""
CUT_MINUTES, LAY_OUT_MINUTES, MARINADE_MINUTES, REST_MINUTES = 2, 3, 30, 5


@dataclass(frozen=True)
class Dish:
    """Kind of dish, and its sentence for bringing everything together."""

    name: str
    together: str
    cooked: bool = True


_SMOOTHIE: Final = Dish("Smoothie", "Blend everything until it is smooth, and serve it cold.", cooked=False)
_FRUIT: Final = Dish("Fruit salad", "Turn everything over gently in a bowl and leave it to draw.", cooked=False)
_SALAD: Final = Dish("Salad", "Dress and toss everything in a wide bowl just before it is eaten.", cooked=False)
_SOUP: Final = Dish("Soup", "Pour on the liquid and simmer everything gently until it is soft.")
_PASTA: Final = Dish("Pasta", "Drain the pasta, keep a cup of its water, and toss everything with a little of it.")
_BOWL: Final = Dish("Bowl", "Fluff up the grains and arrange everything on top of them.")
_OMELETTE: Final = Dish("Omelette", "Pour the eggs over everything and let them set over a low heat.")
_TOAST: Final = Dish("Open sandwich", "Toast the bread and heap everything onto it.")
_PAN: Final = Dish("Pan", "Bring everything together in the pan and let it heat through.")


class RecipeSampler:
    """Implements app.writers.forms.Sampler; costs nothing."""

    name: Final = "embedded"

    def model(self, assignment: NewRecipe) -> str:
        """The longer form for a demanding recipe (D01)."""
        return MODELS[assignment.complexity]

    async def write(self, assignment: NewRecipe, model: str) -> RecipeDraft:
        """A pure function of the request. Raises WriterError where the diet leaves nothing to cook with."""
        recipe = compose(assignment)
        words = sum(len(step.split()) for step in recipe.steps)
        usage = Usage(input_tokens=len(assignment.ingredients), output_tokens=words, cost_usd=0)
        return RecipeDraft(recipe=recipe, provider=self.name, model=model, usage=usage)


def compose(asked: NewRecipe) -> Recipe:
    """Write the recipe. Raises WriterError where the diet leaves nothing to cook with."""
    named = [portion(name) for name in asked.ingredients]
    fitting = [one for one in named if asked.diet not in one.food.never]
    if not fitting:
        raise WriterError("nothing_left", f"no ingredient is {asked.diet}", final=True)
    dish, demanding = dish_of(fitting), asked.complexity is Complexity.DEMANDING
    amounts = [Amount(name=one.name, amount=one.amount(asked.servings)) for one in fitting]
    cooking, minutes = _cooking(fitting, dish) if dish.cooked else ([], 0)
    steps = [*_cutting(fitting), *(_marinating(fitting) if demanding else ()), *cooking, dish.together]
    steps += [*_finishing(fitting, dish), *((f"Let it rest for {REST_MINUTES} minutes.",) if demanding else ())]
    steps.append(
        f"Taste, season if it needs it, and share it out: {asked.servings} serving{'s' if asked.servings > 1 else ''}."
    )
    minutes += LAY_OUT_MINUTES + CUT_MINUTES * len(fitting)
    minutes += (REST_MINUTES + (MARINADE_MINUTES if _marinating(fitting) else 0)) if demanding else 0
    return Recipe(
        title=title_of(fitting, dish),
        ingredients=(*amounts, *_pantry(fitting, dish, asked.servings)),
        steps=tuple(steps),
        minutes=minutes,
        note=" ".join((_left_out(named, fitting, asked), SAMPLE)).strip(),
    )


def dish_of(portions: Sequence[Portion]) -> Dish:
    """The dish that these ingredients make."""
    kinds = {one.food.kind for one in portions}
    main = kinds - _SEASONING
    if "fruit" in main and main <= _SWEET:
        return _SMOOTHIE if "liquid" in main else _FRUIT
    rules = (
        (bool("pasta" in main), _PASTA),
        (bool("grain" in main), _BOWL),
        (bool("liquid" in main and main & {"root", "legume", "vegetable", "other"}), _SOUP),
        (bool("egg" in main and not main & _PROTEIN), _OMELETTE),
        (bool("bread" in main), _TOAST),
        (bool("leaf" in main and not main & (_PROTEIN | {"root", "legume"})), _SALAD),
    )
    return next((dish for fits, dish in rules if fits), _PAN)


def title_of(portions: Sequence[Portion], dish: Dish) -> str:
    """The dish with its two largest ingredients besides the one that it is named for."""
    implied = {"Pasta": "pasta", "Omelette": "egg", "Open sandwich": "bread"}.get(dish.name)
    leading = [one.name for one in portions if one.food.kind not in _SEASONING and one.food.kind != implied]
    chosen = leading[:2] or [one.name for one in portions][:2]
    return f"{dish.name} with {_joined(chosen)}"


def _cutting(portions: Sequence[Portion]) -> list[str]:
    ordered = sorted(portions, key=lambda one: one.food.cut)
    steps: list[str] = []
    for cut, group in groupby(ordered, key=lambda one: one.food.cut):
        steps += [f"{_capitalised(names)}: {cut}." for names in _lists([one.name for one in group])]
    return steps


def _marinating(portions: Sequence[Portion]) -> list[str]:
    proteins = [one.name for one in portions if one.food.kind in _PROTEIN]
    return [
        f"Marinate {names} with half of the seasoning for {MARINADE_MINUTES} minutes." for names in _lists(proteins)
    ]


def _cooking(portions: Sequence[Portion], dish: Dish) -> tuple[list[str], int]:
    """Steps from what takes longest to what takes least, and their minutes; starch cooks beside the pan."""
    starch = [one for one in portions if one.food.kind in _STARCH]
    inside = [one for one in portions if one.food.kind not in _STARCH | _FINISHING | {"fat", "spice", "bread"}]
    if dish is _OMELETTE:
        inside = [one for one in inside if one.food.kind != "egg"]
    steps = [
        f"Boil {names} in plenty of salted water for {minutes} minutes."
        for minutes, group in _by_minutes(starch)
        for names in _lists([one.name for one in group])
    ]
    if inside and dish is not _SOUP:
        steps.append("Heat the fat in a wide pan over a medium heat.")
    in_pan = 0
    for minutes, group in _by_minutes(inside):
        steps += [
            f"Add {names} and cook for {minutes} minutes, stirring now and then."
            for names in _lists([one.name for one in group])
        ]
        in_pan += minutes
    return steps, max(in_pan, max((one.food.minutes for one in starch), default=0)) + 2


def _by_minutes(portions: Sequence[Portion]) -> list[tuple[int, list[Portion]]]:
    ordered = sorted(portions, key=lambda one: -one.food.minutes)
    return [(minutes, list(group)) for minutes, group in groupby(ordered, key=lambda one: one.food.minutes)]


def _finishing(portions: Sequence[Portion], dish: Dish) -> list[str]:
    last = [one.name for one in portions if one.food.kind in _FINISHING] if dish.cooked else []
    return [f"Scatter {names} over it." for names in _lists(last)]


def _pantry(portions: Sequence[Portion], dish: Dish, servings: int) -> list[Amount]:
    """Ingredients of every kitchen that the dish needs."""
    if dish in (_SMOOTHIE, _FRUIT):
        return []
    fat = any(one.food.kind == "fat" for one in portions)
    own = [] if fat else [Amount(name="oil, from the pantry", amount=f"{10 * servings} ml")]
    return [*own, Amount(name="salt and pepper, from the pantry", amount="to taste")]


def _left_out(named: Sequence[Portion], fitting: Sequence[Portion], asked: NewRecipe) -> str:
    out = [one.name for one in named if one not in fitting]
    if not out or asked.diet is None:
        return ""
    names = next(iter(_lists(out)))
    return f"Left out, because the recipe is {asked.diet.replace('_', ' ')}: {names}."


def _lists(names: Sequence[str]) -> list[str]:
    """Names joined for sentences, none of which gets too long."""
    lists: list[list[str]] = []
    for name in names:
        if lists and sum(len(one) + 2 for one in lists[-1]) + len(name) <= LONGEST_LIST:
            lists[-1].append(name)
        else:
            lists.append([name])
    return [_joined(some) for some in lists]


def _joined(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
