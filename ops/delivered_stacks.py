"""Stacks that a workflow delivers: all of an environment, whatever product they are of, as a matrix takes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from infra.settings.environment import Environment
from infra.settings.errors import SettingsError, Wrong
from infra.settings.stack_file import stacks
from ops.console import Report
from ops.image import STEP_OUTPUTS
from ops.stack_files import read

LOCAL: Final = Environment.LOCAL
OUTPUT: Final = "stacks"
"""The output of the step that a later job's matrix reads."""


def delivered(folder: Path, environments: Iterable[Environment], only: Sequence[str] = ()) -> list[str]:
    """The stacks of these environments; of ``only``, where any are named, which must be among those of a real cloud.

    Raises SettingsError for a stack that is not.
    """
    found = {stack: read(folder, stack).environment for stack in stacks(folder)}
    real = [stack for stack, environment in found.items() if environment is not LOCAL]
    wrong = [one for one in only if one not in real]
    if wrong:
        allowed = f"must be of a real environment: {', '.join(real)}"
        raise SettingsError("the stacks to deliver", tuple(Wrong("stack", one, allowed) for one in wrong))
    wanted = set(environments) or set(Environment)
    return [stack for stack in real if found[stack] in wanted and (not only or stack in only)]


def tell(found: Sequence[str], report: Report, variables: Mapping[str, str]) -> None:
    """Prints the list as JSON, and leaves it as the output of a workflow's step."""
    text = json.dumps(found)
    report.json(text)
    if path := variables.get(STEP_OUTPUTS):
        with Path(path).open("a") as outputs:
            outputs.write(f"{OUTPUT}={text}\n")
