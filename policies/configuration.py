"""The configuration of the pack, checked whole: the engine would ignore a rule or a key that does not exist, and the
limit would silently not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from pulumi_policy import EnforcementLevel

from policies.exemptions import KEY, problems
from policies.reading import mapping, shown
from policies.rule import Rule

ALL: Final = "all"
LEVEL: Final = "enforcementLevel"
LEVELS: Final = tuple(one.value for one in EnforcementLevel)


class ConfigurationError(Exception):
    """The configuration cannot be used; the message names every key that is wrong, and what is allowed."""

    def __init__(self, wrong: Sequence[str]) -> None:
        self.wrong = tuple(wrong)
        lines = "\n".join(f"  {one}" for one in wrong)
        super().__init__(f"the policy pack's configuration is wrong, nothing was checked:\n{lines}")


def check(rules: Sequence[Rule], config: Mapping[str, object]) -> None:
    """Raises ConfigurationError for a rule, a key or a value that the pack does not have."""
    by_name = {rule.name: rule for rule in rules}
    of_all = _level(config.get(ALL))
    wrong = [problem for name, given in config.items() for problem in _wrong(by_name, name, given, of_all)]
    if wrong:
        raise ConfigurationError(wrong)


def _level(given: object) -> object:
    """The level that a configuration names, if it does."""
    return given.get(LEVEL) if isinstance(given, Mapping) else given


def _wrong(by_name: Mapping[str, Rule], name: str, given: object, of_all: object) -> Iterator[str]:
    if name != ALL and name not in by_name:
        yield f"{name}: there is no such rule{_meant(name, list(by_name))}"
        return
    if isinstance(given, str):
        given = {LEVEL: given}
    if not isinstance(given, Mapping):
        yield f"{name}: is {given!r}; allowed is a level, or an object"
        return
    level = given.get(LEVEL)
    if level is not None and level not in LEVELS:
        yield f"{name}.{LEVEL}: is {level!r}; allowed are {', '.join(LEVELS)}"
    tunables = {one.name: one for one in by_name[name].tunables} if name in by_name else {}
    allowed = [LEVEL] if name == ALL else [LEVEL, KEY, *tunables]
    for key, value in given.items():
        if key not in allowed:
            yield f"{name}.{key}: there is no such key{_meant(key, allowed)}; {name} has {', '.join(allowed)}"
        elif key in tunables and not tunables[key].fits(value):
            yield f"{name}.{key}: is {shown(value)}; allowed is a {tunables[key].kind}"
    yield from problems(name, mapping(given).get(KEY), advisory=(level or of_all) == EnforcementLevel.ADVISORY.value)


def _meant(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
