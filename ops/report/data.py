"""Data that a preview's run hands on: one stack, of a known version, bounded and without secrets.

The run of a pull request may have changed every line that it executes. So it leaves no text that is shown as it
is: the default branch reads this model, which refuses what is too long, too much or of another shape, and writes the
comment itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ops.report.events import Operation, ReportError

VERSION: Final = 2
LARGEST_BYTES: Final = 20_000_000
"""Largest size of one stack's file: ten thousand changes of the longest kind have less."""
MOST_STACKS: Final = 20
FILE: Final = "report.json"
ARTIFACT: Final = "preview-"
"""Prefix of the names of the folders that hold one stack's report each."""
LONGEST_PROBLEM: Final = 1_500

Name = Annotated[str, Field(max_length=400)]
Line = Annotated[str, Field(max_length=2_000)]
Rule = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}$")]
Dollars = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Difference(_Model):
    """One property: what stood there and what will, ready to be shown; None where there is nothing."""

    path: Name
    before: Line | None
    after: Line | None
    replaces: bool


class Changed(_Model):
    """One resource that changes. ``more`` counts the differences that are left out; ``loses_data`` is of what is
    replaced or deleted with the data that it holds, because of the properties ``because``.
    """

    operation: Operation
    type: Name
    name: Name
    differences: tuple[Difference, ...] = Field(default=(), max_length=25)
    more: Count = 0
    loses_data: bool = False
    because: tuple[Name, ...] = Field(default=(), max_length=25)


class Told(_Model):
    """Finding of a policy. ``kind`` is its weight: the first two fail the check."""

    kind: Literal["mandatory", "did not run", "ends soon", "exemption", "advice"]
    rule: Rule
    message: Line


class Money(_Model):
    """USD a month before and after, at the declared maxima, the budget if there is one, and what has no price."""

    before: Dollars
    after: Dollars
    at_maximum: Dollars
    budget: Dollars | None
    unpriced: tuple[Name, ...] = Field(default=(), max_length=500)


class Restart(_Model):
    """A workload whose pods are renewed: how many, and how long that takes at least, in seconds."""

    workload: Name
    pods: Count
    seconds: Count


class Rollback(_Model):
    """The way back: the base, this change, the base again. ``because`` are the reasons, ``staying`` the protected
    additions of this change that remain, ``seconds`` the time from the base to the base, none where nothing changes.
    """

    verdict: Literal["clean", "loses data", "impossible", "not tried"]
    because: tuple[Line, ...] = Field(default=(), max_length=100)
    staying: tuple[Name, ...] = Field(default=(), max_length=500)
    seconds: Count = 0


class StackData(_Model):
    """One stack. ``untouched`` says that nothing of which it is made differs from the base, so that it was not looked
    at; ``problem`` why there is no preview; ``incomplete`` that it ended early, so that its changes are
    not all; ``by_base`` what the rules of the base say and this pull request's do not.
    """

    version: Literal[1, 2] = VERSION
    stack: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    problem: Line = ""
    untouched: bool = False
    incomplete: bool = False
    unchanged: Count = 0
    changes: tuple[Changed, ...] = Field(default=(), max_length=10_000)
    told: tuple[Told, ...] = Field(default=(), max_length=10_000)
    by_base: tuple[Told, ...] = Field(default=(), max_length=10_000)
    policy_changes: tuple[Line, ...] = Field(default=(), max_length=2_000)
    errors: tuple[Line, ...] = Field(default=(), max_length=5_000)
    money: Money | None = None
    restarts: tuple[Restart, ...] = Field(default=(), max_length=2_000)
    rollback: Rollback | None = None

    def of(self, operation: Operation) -> list[Changed]:
        """The changes of one kind."""
        return [one for one in self.changes if one.operation is operation]

    def kinds(self, *kinds: str) -> list[Told]:
        """Findings of policies with these weights."""
        return [one for one in self.told if one.kind in kinds]

    @property
    def reasons(self) -> list[str]:
        """Reasons for the failed check of the stack, in a few words each."""
        broken, unclear = len(self.kinds("mandatory")), len(self.kinds("did not run"))
        return [
            *(["it could not be previewed"] if self.problem else []),
            *(["the preview failed"] if self.incomplete and not self.problem else []),
            *([f"{broken} violation{'s' if broken > 1 else ''}"] if broken else []),
            *([f"{unclear} mandatory rule{'s' if unclear > 1 else ''} did not run"] if unclear else []),
        ]


def read(path: Path) -> StackData:
    """A file that a run left. Raises ReportError, with the field, for anything that the model does not have."""
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise ReportError(f"{path.name} has {size:,} bytes; allowed are {LARGEST_BYTES:,}")
    try:
        return StackData.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(one)[:40] for one in first["loc"]) or "the whole"
        raise ReportError(
            f"{path.name}: {where}: {first['msg'][:200]}; this is no report of version {VERSION}"
        ) from None


def failed(stack: str, problem: str) -> StackData:
    """The data of a stack that could not be previewed."""
    return StackData(stack=stack, problem=problem[:LONGEST_PROBLEM], incomplete=True)


def read_all(folder: Path, expected: Sequence[str]) -> list[StackData]:
    """One for every stack that is expected or that left a report, by stack.

    Whatever the run left, each has its row: what cannot be read, is there twice, or is not there is said to be so.
    """
    found: dict[str, StackData] = {}
    for path in sorted(folder.glob(f"*/{FILE}"))[: 2 * MOST_STACKS]:
        try:
            one = read(path)
        except ReportError as error:
            # The artifact is named by the workflow; what is in it, by whoever changed the code.
            stack = path.parent.name.removeprefix(ARTIFACT)
            if stack not in expected:
                continue
            one = failed(stack, f"its report cannot be read: {error}")
        twice = one.stack in found
        found[one.stack] = failed(one.stack, "its run left two reports, so neither is used") if twice else one
    lost = [failed(one, "its run ended before it could write a report") for one in expected if one not in found]
    return sorted([*found.values(), *lost], key=lambda one: one.stack)[:MOST_STACKS]
