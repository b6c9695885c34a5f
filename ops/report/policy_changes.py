"""Changes of a pull request to the rules that judge it: rules, levels, limits, exemptions, the code of the pack."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import yaml

PACK: Final = "policies"
PAGES: Final = "docs/policies"
"""A page a rule, made from the pack: their names are the rules' names, read without running the change's code."""
NO_RULES: Final = ("README", "exemptions")
JUDGES: Final = (
    "policies/**/*.py",
    "stacks/policy_config.py",
    "infra/settings/exemptions.py",
    "ops/report/*.py",
    ".github/workflows/*",
)
"""The code that decides what a pull request may do."""


def judges(names: Iterable[str]) -> list[str]:
    """Those of the files that decide what a pull request may do, its limits and exemptions included."""
    patterns = (*JUDGES, f"{PACK}/*", "stacks/products/*/blueprint.py")
    return sorted({one for one in names if any(fnmatch(one, pattern) for pattern in patterns)})


def policy_changes(stack: str, base: Path, head: Path) -> list[str]:
    """One sentence each, of the stack's own configuration first; nothing where both judge alike."""
    return [
        *_moved(_configuration(base, stack), _configuration(head, stack)),
        *_exemptions(base, head),
        *_rules(base, head),
        *_code(base, head),
    ]


def _moved(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old != new:
            yield f"{key}: {'the default' if old is None else old} becomes {'the default' if new is None else new}"


def _configuration(root: Path, stack: str) -> dict[str, str]:
    """Every value of the pack's configuration by its place."""
    path = root / PACK / "config" / f"{stack}.json"
    return dict(_leaves("", json.loads(path.read_text()))) if path.exists() else {}


def _leaves(where: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _leaves(f"{where}.{key}" if where else str(key), one)
    else:
        yield where, json.dumps(value)


def _exemptions(base: Path, head: Path) -> Iterator[str]:
    before, after = _entries(base), _entries(head)
    yield from (f"new exemption: {one}" for one in after if one not in before)
    yield from (f"exemption that goes: {one}" for one in before if one not in after)


def _entries(root: Path) -> list[str]:
    path = root / PACK / "exemptions.yaml"
    return [json.dumps(one, sort_keys=True, default=str) for one in (yaml.safe_load(path.read_text()) or [])]


def _rules(base: Path, head: Path) -> Iterator[str]:
    before, after = _names(base), _names(head)
    yield from (f"the rule {one} is taken out" for one in sorted(before - after))
    yield from (f"the rule {one} is new" for one in sorted(after - before))


def _names(root: Path) -> set[str]:
    return {path.stem for path in (root / PAGES).glob("*.md")} - set(NO_RULES)


def _code(base: Path, head: Path) -> Iterator[str]:
    before, after = _files(base), _files(head)
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            how = "is new" if name not in before else "is taken out" if name not in after else "is changed"
            yield f"{name} {how}, which decides what passes"


def _files(root: Path) -> dict[str, str]:
    found = (path for pattern in JUDGES for path in root.glob(pattern) if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}
