"""Stack files as they lie in the project: which there are, and what they say."""

from __future__ import annotations

from pathlib import Path

import yaml

from infra.settings.errors import SettingsError, Wrong
from infra.settings.stack import NAMESPACE


def stacks(folder: Path) -> list[str]:
    """Names of the stacks that have a file."""
    return sorted(path.name.split(".")[1] for path in folder.glob("Pulumi.*.yaml"))


def values(folder: Path, stack: str) -> dict[str, object]:
    """The ``contentgen:`` values of a stack's file, unchecked. Raises SettingsError for a missing or malformed file."""
    path = folder / f"Pulumi.{stack}.yaml"
    if not path.exists():
        known = ", ".join(stacks(folder))
        raise SettingsError(path.name, (Wrong("stack", stack, f"there is no such stack file; stacks are {known}"),))
    try:
        document = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
        problem = getattr(error, "problem", None) or "not valid"
        raise SettingsError(path.name, (Wrong(place, "(text)", f"must be YAML: {problem}"),)) from None
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        raise SettingsError(path.name, (Wrong("config", config, f"must be a mapping of {NAMESPACE}:... keys"),))
    prefix = f"{NAMESPACE}:"
    own = {str(key): value for key, value in config.items() if str(key).startswith(prefix)}
    return {key.removeprefix(prefix): value for key, value in own.items()}
