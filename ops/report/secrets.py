"""Redaction of values that must not be shown. The engine hides what it knows to be secret; this hides what merely looks
so, because a comment is public and cannot be taken back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

HIDDEN: Final = "[hidden]"
SECRET_TYPES: Final = (
    "kubernetes:core/v1:Secret",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "random:index/randomPassword:RandomPassword",
)
"""Types of which no value is shown at all."""

_NAME: Final = re.compile(
    r"(?i)(password|passwd|(?<![a-z])pwd(?![a-z])|secret(?!_?name|s?manager)|token|credential|passphrase"
    r"|(api|private|access|signing|encryption|session|master|client)_?key)"
)
_HARMLESS: Final = re.compile(
    r"(?i:automount|secret_?name|secretRef|(?:_file|_dir|[_.]arn|kms_?key_?id)$)|(?<=[a-z])Arn$"
)
# Repetitions are bounded: a long message without any secret would otherwise take minutes.
_ARGUMENT: Final = re.compile(r"(?i)(--?[a-z-]{0,60}(?:password|passwd|secret|token|key)[a-z-]{0,60}[= ])[^\s\"',\]]+")
_LOGIN: Final = re.compile(r"([a-z][a-z0-9+.-]{0,30}://[^/\s:@]*):[^/\s@]+@")
_KEY_BLOCK: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL)
_KEY_BEGINS: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_KEY_ENDS: Final = re.compile(r"-----END [A-Z ]*PRIVATE KEY-----")
_KNOWN_SHAPES: Final = re.compile(
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}\b|\bsk-[A-Za-z0-9_-]{16,}\b|\bxox[a-z]-[A-Za-z0-9-]{10,}\b"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
)

_VIOLATION: Final = "violates plan:"
_CHANGED: Final = re.compile(r"(?:: |, )[+~=-]{2}([A-Za-z0-9_]+)(?=\[|,|$)")


def is_secret(type_: str, path: str) -> bool:
    """True if a property of a type may not be shown, by its place."""
    return type_ in SECRET_TYPES or bool(_NAME.search(path) and not _HARMLESS.search(path))


def redacted(line: str) -> str:
    """A line of the engine's output without secrets. When an update is not the planned one the engine says so with
    every value in clear, passwords too; the names of the properties are kept.
    """
    before, violation, after = line.partition(_VIOLATION)
    if not violation:
        return clean(line)
    names = dict.fromkeys(_CHANGED.findall(after))
    return f"{before}{violation} {', '.join(names) or HIDDEN}\n"


def without_secrets(lines: Iterable[str]) -> Iterator[str]:
    """The engine's output line by line, each ``redacted``; a private key over several lines is hidden to its end."""
    inside = False
    for line in lines:
        if inside:
            inside = _KEY_ENDS.search(line) is None
            continue
        yield redacted(line)
        inside = _KEY_BEGINS.search(line) is not None and _KEY_ENDS.search(line) is None


def clean(text: str) -> str:
    """A text without the passwords, keys and tokens that are recognised by their shape."""
    text = _KEY_BLOCK.sub(HIDDEN, text)
    text = _LOGIN.sub(rf"\1:{HIDDEN}@", text)
    text = _ARGUMENT.sub(rf"\1{HIDDEN}", text)
    return _KNOWN_SHAPES.sub(HIDDEN, text)
