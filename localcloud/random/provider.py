"""`pulumi-resource-random`, run as `python -m localcloud.random.provider`.

A value is made when its resource is created, is unknown at preview, and lives in the engine's state alone; there is no
cloud behind it. Any change of an input, `keepers` included, makes a new value, as in the official provider.
"""

from __future__ import annotations

import base64
import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from localcloud.provider.block import Block
from localcloud.provider.resource import Created, Problem, ProviderError, ResourceType
from localcloud.provider.serve import serve
from localcloud.provider.values import Properties

SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
"""The punctuation of the official provider."""

TEXT_INPUTS = frozenset(
    {
        "length",
        "keepers",
        "lower",
        "upper",
        "numeric",
        "special",
        "overrideSpecial",
        "minLower",
        "minUpper",
        "minNumeric",
        "minSpecial",
    }
)
ID_INPUTS = frozenset({"byteLength", "keepers", "prefix"})


@dataclass(frozen=True)
class Alphabet:
    """One class of characters and how many of them a text must at least hold."""

    switch: str
    minimum: str
    characters: str


def alphabets(inputs: Block) -> list[Alphabet]:
    """The character classes that the inputs leave switched on."""
    every = [
        Alphabet("lower", "minLower", string.ascii_lowercase),
        Alphabet("upper", "minUpper", string.ascii_uppercase),
        Alphabet("numeric", "minNumeric", string.digits),
        Alphabet("special", "minSpecial", inputs.text("overrideSpecial") or SPECIAL),
    ]
    return [one for one in every if inputs.flag(one.switch, default=True)]


def random_text(inputs: Block) -> str:
    """A text of the length asked for that meets every minimum, in random order, from the system's source."""
    classes = alphabets(inputs)
    must = [secrets.choice(one.characters) for one in classes for _ in range(inputs.number(one.minimum))]
    every = "".join(one.characters for one in classes)
    characters = must + [secrets.choice(every) for _ in range(inputs.number("length") - len(must))]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


def text_problems(inputs: Block) -> Iterable[Problem]:
    """A length no text of these classes can have."""
    classes = alphabets(inputs)
    least = sum(inputs.number(one.minimum) for one in classes)
    length = inputs.number("length", default=least)
    if not classes:
        yield Problem(
            "special",
            "every class of characters is switched off; leave at least one of lower, upper, numeric, special on",
        )
    if not inputs.is_unknown("length") and length < max(1, least):
        yield Problem("length", f"length is {length}; it must be at least {max(1, least)}, the sum of the minimums")


def create_text(_: None, inputs: Block) -> Created:
    """RandomPassword and RandomString. The official password's id is the word none, because an id is no secret."""
    return Created("none", {"result": random_text(inputs)})


def create_string(_: None, inputs: Block) -> Created:
    """The official string's id is the string itself."""
    result = random_text(inputs)
    return Created(result, {"result": result})


def create_id(_: None, inputs: Block) -> Created:
    """Random bytes in the four spellings the official provider gives."""
    raw, prefix = secrets.token_bytes(inputs.number("byteLength")), inputs.text("prefix")
    url = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    spellings: Properties = {
        "b64Url": prefix + url,
        "b64Std": prefix + base64.b64encode(raw).decode(),
        "hex": prefix + raw.hex(),
        "dec": prefix + str(int.from_bytes(raw, "big")),
    }
    return Created(url, spellings)


def id_problems(inputs: Block) -> Iterable[Problem]:
    """An id without bytes."""
    if not inputs.is_unknown("byteLength") and inputs.number("byteLength") < 1:
        yield Problem("byteLength", f"byteLength is {inputs.number('byteLength')}; it must be at least 1")


def from_state(_: None, __: str, known: Block) -> Properties | None:
    """The state is the only place the value exists, so reading it cannot find drift."""
    return dict(known.values)


def forget(_: None, __: str, ___: Block) -> None:
    """Nothing outside the state to remove."""


TYPES: dict[str, ResourceType[None]] = {
    entry.token: entry
    for entry in (
        ResourceType(
            token="random:index/randomPassword:RandomPassword",
            inputs=TEXT_INPUTS,
            replace_on=TEXT_INPUTS,
            create=create_text,
            read=from_state,
            delete=forget,
            problems=text_problems,
            secret_outputs=frozenset({"result", "bcryptHash"}),
        ),
        ResourceType(
            token="random:index/randomString:RandomString",
            inputs=TEXT_INPUTS,
            replace_on=TEXT_INPUTS,
            create=create_string,
            read=from_state,
            delete=forget,
            problems=text_problems,
        ),
        ResourceType(
            token="random:index/randomId:RandomId",
            inputs=ID_INPUTS,
            replace_on=ID_INPUTS,
            create=create_id,
            read=from_state,
            delete=forget,
            problems=id_problems,
        ),
    )
}


@dataclass
class RandomProvider:
    """The provider: a table and nothing to configure."""

    name: str = "random"
    version: str = "4.21.4"
    types: Mapping[str, ResourceType[None]] = field(default_factory=lambda: TYPES)

    def configure(self, settings: Properties) -> None:
        """There are no settings."""

    def scope(self, urn: str, properties: Block) -> None:
        """There is no cloud to reach."""

    def address(self, resource_id: str) -> tuple[str, Properties]:
        """An import would need the value, which only a state holds."""
        raise ProviderError(f"{resource_id}: a random value cannot be imported; it exists in the engine's state alone")

    def fill(self, resource: ResourceType[None], inputs: Properties) -> Properties:
        """No inputs come from the configuration."""
        return inputs

    def invoke(self, token: str, arguments: Block) -> Properties:
        """There are no functions."""
        raise ProviderError(f"{token}: the random stand-in has no functions")


if __name__ == "__main__":
    serve(RandomProvider())
