"""``contentgen rotate``: renews every store's password, while the service goes on (requirement X02).

Two updates: the first makes new passwords and gives them to all clients, while the old ones still work; the second,
when no client uses the old ones any more, revokes those. Where it stands is in the stack file, so that a rotation which
was cut off is finished by the next one.
"""

from __future__ import annotations

import re
from enum import StrEnum

from infra.settings.stack import NAMESPACE
from infra.settings.stores import SecretSettings
from ops.checkout import CHECKOUT
from ops.console import Report
from ops.deployment import require_up, up
from ops.stack_files import read

SECTION = re.compile(rf"^  {NAMESPACE}:secrets:.*\n(?:    .*\n)*", re.MULTILINE)


class Step(StrEnum):
    """Step of a rotation."""

    BEGIN = "begin"
    FINISH = "finish"


def rotate(stack: str, report: Report) -> None:
    """Both steps on the embedded cloud. Raises CloudError for a stack that is not running, with its file unchanged."""
    require_up(stack)
    for step in remaining(read(CHECKOUT, stack).secrets):
        write(stack, step, report)
        up(stack, report)


def write(stack: str, step: Step, report: Report) -> None:
    """One step in the stack file, for a separate update: a pull request, or a person with credentials."""
    secrets = advanced(read(CHECKOUT, stack).secrets, step)
    path = CHECKOUT / f"Pulumi.{stack}.yaml"
    path.write_text(with_secrets(path.read_text(), secrets))
    report.step(f"{path.name}: passwords of generation {secrets.generation}, retired {secrets.retired}")


def remaining(secrets: SecretSettings) -> tuple[Step, ...]:
    """A rotation that has begun is finished first; only then there is a next one."""
    begun = secrets.generation > 1 and secrets.retired < secrets.generation
    return (Step.FINISH,) if begun else (Step.BEGIN, Step.FINISH)


def advanced(secrets: SecretSettings, step: Step) -> SecretSettings:
    if step is Step.BEGIN:
        return SecretSettings(generation=secrets.generation + 1, retired=secrets.retired)
    return SecretSettings(generation=secrets.generation, retired=secrets.generation)


def with_secrets(text: str, secrets: SecretSettings) -> str:
    """The stack file with that section; its other lines and comments stay as they are."""
    line = f"  {NAMESPACE}:secrets: {{generation: {secrets.generation}, retired: {secrets.retired}}}\n"
    text = text if text.endswith("\n") else f"{text}\n"
    if SECTION.search(text):
        return SECTION.sub(line, text, count=1)
    return re.sub(r"^config:\s*\n", f"config:\n{line}", text, count=1, flags=re.MULTILINE)
