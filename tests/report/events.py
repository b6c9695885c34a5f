"""The engine's events, written by tests: what a preview of a stack says, line by line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

Values = Mapping[str, object]

PROVIDER = "urn:pulumi:prod::contentgen::pulumi:providers:kubernetes::kubernetes-us-east-1::1"


def step(
    op: str,
    type_: str,
    name: str,
    old: Values | None = None,
    new: Values | None = None,
    differing: Mapping[str, str] | None = None,
    provider: str = "",
) -> dict[str, object]:
    """One resource's step, as ``resourcePreEvent`` has it."""
    urn = f"urn:pulumi:prod::contentgen::{type_}::{name}"

    def state(inputs: Values | None) -> dict[str, object] | None:
        return None if inputs is None else {"type": type_, "urn": urn, "inputs": inputs, "provider": provider}

    detailed = None if differing is None else {path: {"diffKind": kind} for path, kind in differing.items()}
    metadata = {
        "op": op,
        "urn": urn,
        "type": type_,
        "old": state(old),
        "new": state(new),
        "detailedDiff": detailed,
        "provider": provider,
    }
    return {"resourcePreEvent": {"metadata": metadata}}


def said(rule: str, message: str, level: str = "mandatory") -> dict[str, object]:
    """One violation."""
    return {
        "policyEvent": {"policyName": rule, "message": f"{message}\n", "enforcementLevel": level, "severity": "high"}
    }


def failed(message: str) -> dict[str, object]:
    """An error of the engine or of the program."""
    return {"diagnosticEvent": {"message": f"{message}\n", "severity": "error"}}


def lines(events: Iterable[Mapping[str, object]], result: str | None = "succeeded") -> list[str]:
    """A whole preview; without a result it is cut off."""
    whole = [{"preludeEvent": {"config": {}}}, *events]
    if result is not None:
        whole.append({"summaryEvent": {"result": result}})
    return [json.dumps({"sequence": number, "timestamp": 1, **event}) + "\n" for number, event in enumerate(whole)]
