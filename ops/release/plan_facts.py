"""Facts about the preview behind a release's plan, without the preview itself.

The engine's events hold every input in clear. They stay on the machine that made the plan; only this goes on, with the
plan, whose secrets the engine encrypts.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ops.report.markdown import StackReport
from ops.report.stateful import endangered
from ops.report.verdict import not_run, violations


class PlanFactsError(Exception):
    """The facts of the plan are not there, or are of another stack or commit."""


class PlanFacts(BaseModel):
    """``commit`` and ``stack`` say what the plan is of; dollars are a month's, and no ``budget`` is None."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stack: str
    commit: str
    violations: tuple[str, ...]
    endangered: tuple[str, ...]
    monthly_usd: float
    budget: float | None

    @classmethod
    def of(cls, stack: str, commit: str, report: StackReport) -> PlanFacts:
        """The facts of a preview that was read."""
        found = [*violations(report.preview), *not_run(report.preview, report.levels)]
        return cls(
            stack=stack,
            commit=commit,
            violations=tuple(f"{one.rule}: {one.message}" for one in found),
            endangered=tuple(f"{one.name} would be {one.operation.value}d" for one in endangered(report.preview)),
            monthly_usd=float(report.after.total),
            budget=None if report.after.budget is None else float(report.after.budget),
        )


def written(path: Path, facts: PlanFacts) -> None:
    """Keeps the facts beside the plan."""
    path.write_text(facts.model_dump_json(indent=2) + "\n")


def read(path: Path, stack: str, commit: str) -> PlanFacts:
    """The facts of the plan of this stack and commit. Raises PlanFactsError for any other."""
    if not path.exists():
        raise PlanFactsError(f"{path} is not there; fix: make plan STACK={stack}")
    try:
        facts = PlanFacts.model_validate_json(path.read_text())
    except ValidationError as error:
        raise PlanFactsError(
            f"{path} cannot be read: {error.errors()[0]['msg']}; fix: make plan STACK={stack}"
        ) from None
    for what, is_, wanted in (("stack", facts.stack, stack), ("commit", facts.commit, commit)):
        if is_ != wanted:
            raise PlanFactsError(f"the plan is of {what} {is_}, and {wanted} is released; fix: make plan STACK={stack}")
    return facts
