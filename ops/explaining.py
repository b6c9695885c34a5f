"""``contentgen explain``: what the policy pack says of one resource of a running stack, rule by rule, and why."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from ops.console import Report
from ops.policy_pack import Explained, explained
from ops.stack_files import read
from ops.target import EngineReadError, Target, kept


class _Resource(BaseModel):
    urn: str


class _Deployment(BaseModel):
    resources: tuple[_Resource, ...] = ()


class _Export(BaseModel):
    """Parts of ``pulumi stack export`` that are needed; a stack that was never deployed has no resources."""

    deployment: _Deployment


class ExplainError(Exception):
    """The stack's state cannot be read, or no resource of it is meant; the message names what there is."""


def explain(root: Path, target: Target, wanted: str, report: Report, *, as_json: bool) -> None:
    """A table, or JSON for machines. ``wanted`` is a URN, or a name that one resource alone has.

    Raises ExplainError.
    """
    try:
        state = kept(target, "export")
    except EngineReadError as error:
        raise ExplainError(f"{target.stack}: its state cannot be read: {error}") from None
    urns = [one.urn for one in _Export.model_validate_json(state).deployment.resources]
    urn = _meant(wanted, urns, target.stack)
    found = explained(root, target.stack, read(root, target.stack), state, urn, datetime.now(UTC).date())
    if as_json:
        report.json(json.dumps({"urn": urn, "rules": [asdict(one) for one in found]}, indent=2))
        return
    report.table(urn, ("rule", "level", "result", "why"), [_row(one) for one in found])
    if not found:
        report.line("no rule reads this type")


def _row(one: Explained) -> tuple[str, str, str, str]:
    return one.rule, one.level, one.result.value, one.why


def _meant(wanted: str, urns: list[str], stack: str) -> str:
    if wanted in urns:
        return wanted
    named = [urn for urn in urns if urn.rpartition("::")[2] == wanted]
    if len(named) == 1:
        return named[0]
    if named:
        raise ExplainError(
            f"{wanted} is the name of {len(named)} resources of {stack}; give the URN: {', '.join(named)}"
        )
    close = [urn.rpartition("::")[2] for urn in urns if wanted in urn][:5]
    like = f"; there are {', '.join(close)}" if close else ""
    raise ExplainError(f"{wanted} is no resource of {stack}{like}; fix: pulumi stack --show-urns lists them")
