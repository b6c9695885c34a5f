"""Stack files of a checkout, read and checked before the engine starts."""

from __future__ import annotations

from pathlib import Path

from infra.settings.stack import StackSettings
from infra.settings.stack_file import values
from stacks.plan import StackPlan, plan
from stacks.stack_files import parse


def read(folder: Path, stack: str) -> StackSettings:
    """The settings of a stack's file. Raises SettingsError, for a missing or malformed file too."""
    return parse(stack, values(folder, stack))


def planned(folder: Path, stack: str) -> StackPlan:
    """The plan of a stack's file. Raises SettingsError as ``read`` does."""
    return plan(stack, read(folder, stack))
