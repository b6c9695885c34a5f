"""Wildcards, policy variables and condition operators (IAM User Guide, "IAM JSON policy elements: Condition operators",
"Policy variables", "Multivalued context keys").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Final, TypeAlias

from localcloud.aws.permissions.documents import Condition, PolicyError

Context: TypeAlias = Mapping[str, tuple[str, ...]]
"""Values of the request by condition key in lower case; a key that the request has not is absent."""

_VARIABLE: Final = re.compile(r"\$\{([^}]+)\}")
_LITERAL: Final = {"*": "*", "?": "?", "$": "$"}
ARN_FIELDS: Final = 6


def like(pattern: str, text: str, *, same_case: bool = True) -> bool:
    """True if a text matches a pattern in which * is any text and ? any character."""
    return _compiled(pattern, same_case).fullmatch(text) is not None


def filled(text: str, context: Context) -> str | None:
    """The text with its policy variables as a pattern; None where one has no value, which matches nothing."""
    missing = [name for name in _VARIABLE.findall(text) if name not in _LITERAL and name.lower() not in context]
    if missing:
        return None

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return f"[{name}]" if name in _LITERAL else context[name.lower()][0]

    return _VARIABLE.sub(value, text)


def hold(conditions: Sequence[Condition], context: Context) -> bool:
    """True if every condition holds. Raises PolicyError for an operator unknown here."""
    return all(_holds(operator, key, values, context) for operator, key, values in conditions)


def _holds(operator: str, key: str, wanted: tuple[str, ...], context: Context) -> bool:
    name, every, some = operator, False, False
    if name.startswith("ForAllValues:"):
        name, every = name.removeprefix("ForAllValues:"), True
    elif name.startswith("ForAnyValue:"):
        name, some = name.removeprefix("ForAnyValue:"), True
    lenient, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    actual = context.get(key.lower())
    if name == "Null":
        return (actual is None) == (wanted[0].lower() == "true")
    negated, plain = "Not" in name, name.replace("Not", "")
    if plain not in _OPERATORS:
        raise PolicyError(f"condition operator {operator} is not known here; known are {', '.join(_OPERATORS)}")
    compare = _OPERATORS[plain]
    if actual is None:
        return lenient or every or (negated and not some)
    values = [one for one in (filled(text, context) for text in wanted) if one is not None]

    def matches(one: str) -> bool:
        return any(compare(value, one) for value in values) != negated

    return all(matches(one) for one in actual) if every else any(matches(one) for one in actual)


@lru_cache(maxsize=4096)
def _compiled(pattern: str, same_case: bool) -> re.Pattern[str]:
    pieces = re.split(r"(\[\*\]|\[\?\]|\[\$\]|\*|\?)", pattern)
    special = {"*": ".*", "?": ".", "[*]": re.escape("*"), "[?]": re.escape("?"), "[$]": re.escape("$")}
    return re.compile(
        "".join(special.get(one, re.escape(one)) for one in pieces), re.DOTALL | (0 if same_case else re.IGNORECASE)
    )


def _arn_like(pattern: str, text: str) -> bool:
    """Field by field: a wildcard never reaches over a colon of the first five."""
    wanted, actual = pattern.split(":", ARN_FIELDS - 1), text.split(":", ARN_FIELDS - 1)
    return len(wanted) == len(actual) and all(like(one, other) for one, other in zip(wanted, actual, strict=True))


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda wanted, actual: compare(float(actual), float(wanted))


def _literally(wanted: str, actual: str) -> bool:
    return wanted == actual


_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": _literally,
    "StringEqualsIgnoreCase": lambda wanted, actual: wanted.lower() == actual.lower(),
    "StringLike": like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda wanted, actual: wanted.lower() == actual.lower(),
    "NumericEquals": _number(lambda actual, wanted: actual == wanted),
    "NumericLessThan": _number(lambda actual, wanted: actual < wanted),
    "NumericLessThanEquals": _number(lambda actual, wanted: actual <= wanted),
    "NumericGreaterThan": _number(lambda actual, wanted: actual > wanted),
    "NumericGreaterThanEquals": _number(lambda actual, wanted: actual >= wanted),
    "IpAddress": lambda wanted, actual: ip_address(actual) in ip_network(wanted, strict=False),
}
