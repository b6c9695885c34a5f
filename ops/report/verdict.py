"""Verdict on a pull request; it fails by errors, mandatory violations, and rules that could not run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ops.report.events import Finding, Preview

MANDATORY: Final = "mandatory"


@dataclass(frozen=True)
class Levels:
    """Enforcement levels of a stack: one for all rules, and those of single rules."""

    of_all: str
    of_rule: Mapping[str, str]

    def of(self, rule: str) -> str:
        return self.of_rule.get(rule, self.of_all)


def levels(config: Mapping[str, Mapping[str, object]]) -> Levels:
    """The levels of a policy configuration; what it does not say is mandatory."""
    given = {rule: str(values["enforcementLevel"]) for rule, values in config.items() if "enforcementLevel" in values}
    return Levels(given.pop("all", MANDATORY), given)


def violations(preview: Preview) -> list[Finding]:
    """Violations that stop the update."""
    own = [one for one in preview.findings if not one.by_base]
    return [one for one in own if one.level == MANDATORY and not one.skipped and not one.exempt]


def not_run(preview: Preview, of: Levels) -> list[Finding]:
    """Rules that met an unknown value although the stack makes them mandatory: the engine calls that advice."""
    own = [one for one in preview.findings if not one.by_base]
    return [one for one in own if one.skipped and of.of(one.rule) == MANDATORY]


def failures(preview: Preview, of: Levels) -> Iterator[str]:
    """Reasons for the failed check of this stack; nothing when it passes."""
    yield from (f"{preview.stack}: {one.rule}: {one.message}" for one in violations(preview))
    yield from (f"{preview.stack}: {one.rule} could not run: {one.message}" for one in not_run(preview, of))
    yield from (f"{preview.stack}: {error}" for error in preview.errors)
    if not preview.succeeded and not violations(preview) and not preview.errors:
        yield f"{preview.stack}: the preview failed, and the engine does not say why"
