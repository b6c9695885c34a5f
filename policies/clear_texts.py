"""Secrets in texts that every user with read access to a resource sees.

These are environment variables, arguments, config maps, start scripts and the definitions of containers outside of the
cluster. What a text holds is read too: JSON, lines of a file, base64.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Final

from policies.pods import TEMPLATES, containers
from policies.reading import Properties, Value, at, is_mapping, items, later, mapping, mappings, text
from policies.rule import Resource

CONFIG_MAP: Final = "kubernetes:core/v1:ConfigMap"
FUNCTION: Final = "aws:lambda/function:Function"
TASK: Final = "aws:ecs/taskDefinition:TaskDefinition"
SCRIPTS: Final = ("aws:ec2/instance:Instance", "aws:ec2/launchTemplate:LaunchTemplate")
PARAMETER: Final = "aws:ssm/parameter:Parameter"
TYPES: Final = (*TEMPLATES, CONFIG_MAP, FUNCTION, TASK, *SCRIPTS, PARAMETER)

SECRET_NAME: Final = re.compile(
    r"(?i)(password|passwd|passphrase|pwd|secret|token|(api|private|signing|encryption|secret)[_.-]?key|"
    r"access[_.-]?key([_.-]?id)?|credentials?)([_.-]?[0-9]+)?$"
)
HARMLESS_NAME: Final = re.compile(
    r"(?i)(^|[_.-])(max|min|num|page|pagination|next|cursor|continuation|publishable|public|csrf|cancellation)"
    r"([_.-]?[a-z]+)?[_.-]?(token|key)s?$"
)
"""Such as MAX_TOKEN, PAGINATION_TOKEN and STRIPE_PUBLISHABLE_KEY."""
PUBLISHABLE: Final = re.compile(r"pk_(live|test)_")
"""A key that every visitor of a page gets (Stripe, API keys)."""
FINGERPRINT_NAME: Final = re.compile(
    r"(?i)(^|[_.-])(sha(1|256|512)?|digest|commit|revision|checksum|hash|fingerprint|etag|[ug]uid|trace|version|build)"
    r"([_.-]|$)"
)
REFERENCE: Final = re.compile(r"(\$\(\w+\)|\$\{[^}]*\}|\{\{.*\}\}|<[^>]*>|%\w+%)")
"""Placeholder that something else fills in later."""
LOGIN_IN_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:(?!\$)[^/\s@]+@")
PRIVATE_KEY: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")
SHELL: Final = re.compile(r"""^["']?(\$\(|\$\{|\$[A-Za-z_]\w*["']?$|`)""")
"""A value that a shell puts in: of a variable, or the output of a command."""
COMMANDS: Final = re.compile(r"&&|\|\||[;|]")
"""Between the commands of one line."""
OPTION: Final = re.compile(r"^-{1,2}([A-Za-z][\w.-]*)(?:=(.*))?$", re.DOTALL)
LINE: Final = re.compile(r"""^\s*(?:export\s+|-\s+|set\s+)?["']?([A-Za-z][\w.-]*)["']?\s*[:=]\s*["']?([^"'\n#]*)""")
NAME_OF_WORDS: Final = re.compile(r"([a-z]{3,}[0-9]*[-/]){2,}[a-z0-9]{1,12}")
"""Such as a bucket's name with the engine's suffix, or a path: several words in small letters, and a short end."""
UUID: Final = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HEXADECIMAL: Final = re.compile(r"(?i)(?=.*[0-9])(?=.*[a-f])[0-9a-f]{32,}")
LONG_ENOUGH: Final = 20
BITS_A_CHARACTER: Final = 4.0
HEX_BITS: Final = 3.0
"""Sixteen letters hold four bits at most, so keys in hexadecimal are recognised by fewer."""


def secrets(resource: Resource) -> Iterator[str]:
    """Secrets in clear, by their places; the value itself is never shown."""
    if resource.type in TEMPLATES:
        yield from _of_containers(resource)
    for where, key, value in _texts(resource):
        yield from _told(where, key, value)


def _of_containers(resource: Resource) -> Iterator[str]:
    for name, container in containers(resource):
        for variable in mappings(container.get("env")):
            yield from _told(f"{name}: env ", text(variable.get("name")), text(later(variable, "value")))
        for key in ("command", "args"):
            yield from (f"{name}: {key} {wrong}" for wrong in _options(items(container.get(key))))


def _texts(resource: Resource) -> Iterator[tuple[str, str, str]]:
    """Texts of a resource that runs no pods, each with its place and its key."""
    properties = resource.properties
    if resource.type == CONFIG_MAP:
        yield from _entries("data.", mapping(properties.get("data")))
        binary = _entries("binaryData.", mapping(properties.get("binaryData")))
        yield from ((where, key, _decoded(value)) for where, key, value in binary)
    elif resource.type == FUNCTION:
        yield from _entries("environment.variables.", mapping(at(properties, "environment", "variables")))
    elif resource.type == TASK:
        yield "", "containerDefinitions", text(later(properties, "containerDefinitions"))
    elif resource.type == PARAMETER and properties.get("type") in ("String", "StringList"):
        name = text(later(properties, "name")).rpartition("/")[2] or resource.name
        yield "value of ", name, text(later(properties, "value"))
    elif resource.type in SCRIPTS:
        for key in ("userData", "userDataBase64"):
            written = text(later(properties, key))
            # A script of one line is one all the same.
            yield "", key, f"{_decoded(written) or written}\n" if written else ""


def _entries(where: str, found: Properties) -> Iterator[tuple[str, str, str]]:
    for key in found:
        yield where, key, text(later(found, key))


def _told(where: str, key: str, value: str) -> Iterator[str]:
    for place, why in _found(key, value):
        yield f"{where}{place} {why}; mount it from a Secret"


def _found(key: str, value: str) -> Iterator[tuple[str, str]]:
    """A path, a switch, a reference or nothing at all is no secret, whatever it is called."""
    if not value or _is_harmless(value):
        return
    if PRIVATE_KEY.search(value):
        yield key, "holds a private key"
    elif _is_secret_name(key) and not value.isdigit():
        yield key, "holds a value in clear"
    elif LOGIN_IN_ADDRESS.search(value):
        yield key, "holds an address with a password in it"
    elif _looks_like_a_key(key, value):
        yield key, "holds what looks like a key"
    else:
        yield from _within(key, value)


def _is_harmless(value: str) -> bool:
    first = value.splitlines()[0] if value.strip() else ""
    single = first == value
    return single and (
        value.startswith(("/", "./"))
        or value.lower() in ("true", "false", "null", "none")
        or REFERENCE.fullmatch(value) is not None
    )


def _is_secret_name(key: str) -> bool:
    return SECRET_NAME.search(key) is not None and HARMLESS_NAME.search(key) is None


def _looks_like_a_key(key: str, value: str) -> bool:
    if NAME_OF_WORDS.fullmatch(value) or UUID.fullmatch(value) or FINGERPRINT_NAME.search(key):
        return False
    if PUBLISHABLE.match(value) and HARMLESS_NAME.search(key):
        return False
    if HEXADECIMAL.fullmatch(value):
        return _entropy(value.lower()) > HEX_BITS
    return (
        len(value) >= LONG_ENOUGH
        and re.fullmatch(r"[A-Za-z0-9+/=_-]+", value) is not None
        and _entropy(value) > BITS_A_CHARACTER
    )


def _within(key: str, value: str) -> Iterator[tuple[str, str]]:
    """Contents of a longer text: an object in JSON, or the lines of a file."""
    if value.lstrip()[:1] in ("{", "["):
        try:
            yield from _leaves(key, json.loads(value))
        except ValueError:
            yield from _lines(key, value)
    elif "\n" in value:
        yield from _lines(key, value)


def _leaves(key: str, value: Value) -> Iterator[tuple[str, str]]:
    """Every text of an object; a ``name`` beside a ``value`` is the value's, as for environment variables."""
    if is_mapping(value):
        found = mapping(value)
        named = text(found.get("name"))
        for inner, one in found.items():
            for place, why in _leaves(named if inner == "value" and named else inner, one):
                yield f"{key}.{place}", why
    elif isinstance(value, str):
        yield from _found(key, value)
    else:
        for one in items(value):
            yield from _leaves(key, one)


def _lines(key: str, value: str) -> Iterator[tuple[str, str]]:
    for line in value.splitlines():
        if LOGIN_IN_ADDRESS.search(line) and not REFERENCE.search(line):
            yield f"{key}: {_named(line) or 'a line'}", "holds an address with a password in it"
            continue
        for command in COMMANDS.split(line):
            yield from ((f"{key}: {name}", "holds a value in clear") for name in _of_command(command))


def _named(line: str) -> str:
    match = LINE.match(line)
    return match[1] if match else ""


def _of_command(command: str) -> Iterator[str]:
    """Names of what one line assigns or hands to a program in clear."""
    match = LINE.match(command)
    held = match[2].strip() if match else ""
    if match and _is_secret_name(match[1]) and _is_clear(held) and not REFERENCE.search(held):
        yield match[1]
    yield from _in_clear(command.split())


def _is_clear(value: str) -> bool:
    return bool(value) and not (_is_harmless(value) or value.isdigit() or SHELL.match(value))


def _in_clear(words: Sequence[str]) -> Iterator[str]:
    """Names of options such as --password=... and --password ... that hold a value."""
    for index, word in enumerate(words):
        option = OPTION.match(word)
        following = words[index + 1] if index + 1 < len(words) else ""
        if option and _is_secret_name(option[1]):
            value = option[2] if option[2] is not None else ("" if following.startswith("-") else following)
            if _is_clear(value):
                yield option[1]


def _options(words: Sequence[Value]) -> Iterator[str]:
    """A command and its arguments: options, addresses with a login, and scripts among them."""
    written = [text(one) for one in words]
    yield from (f"{name} holds a value in clear; mount it from a Secret" for name in _in_clear(written))
    for word in written:
        if LOGIN_IN_ADDRESS.search(word):
            yield "holds an address with a password in it; mount it from a Secret"
        elif PRIVATE_KEY.search(word):
            yield "holds a private key; mount it from a Secret"
        elif " " in word.strip() or "\n" in word:
            yield from (f"{place} {why}; mount it from a Secret" for place, why in _lines("a script", word))


def _decoded(value: str) -> str:
    """The text behind base64; nothing where it is none."""
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""


def _entropy(value: str) -> float:
    """Bits a character: words have fewer than keys."""
    shares = [value.count(one) / len(value) for one in set(value)]
    return -sum(share * math.log2(share) for share in shares)
