"""Findings as SARIF 2.1.0, which code scanning reads. A policy speaks of a resource and not of a line, so a result
stands at the stack's file, and names the resource as its logical place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from ops.report.events import Finding, Preview
from ops.report.markdown import PAGES
from ops.report.secrets import clean

VERSION: Final = "2.1.0"
SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
TOOL: Final = "contentgen policies"
LEVELS: Final[Mapping[str, str]] = {"mandatory": "error", "advisory": "warning"}


def sarif(previews: Sequence[Preview], pages: str = "") -> str:
    """One run over every stack. What did not run is a note, and what is exempted is suppressed, with its reason.

    ``pages`` is the address of the rules' pages where it is known: the format takes no relative one.
    """
    found = [(preview.stack, one) for preview in previews for one in preview.findings]
    rules = sorted({one.rule for _, one in found})
    run = {
        "tool": {"driver": {"name": TOOL, "rules": [_rule(rule, pages) for rule in rules]}},
        "results": [_result(stack, one) for stack, one in found],
    }
    return json.dumps({"$schema": SCHEMA, "version": VERSION, "runs": [run]}, indent=2) + "\n"


def _rule(rule: str, pages: str) -> dict[str, object]:
    described: dict[str, object] = {
        "id": rule,
        "shortDescription": {"text": rule},
        "help": {"text": f"What it asks for, why, and how to fix it: {PAGES}/{rule}.md"},
    }
    if pages:
        described["helpUri"] = f"{pages}/{rule}.md"
    return described


def _result(stack: str, found: Finding) -> dict[str, object]:
    message = clean(found.message)
    name = message.partition(":")[0]
    place = {
        "physicalLocation": {"artifactLocation": {"uri": f"Pulumi.{stack}.yaml"}, "region": {"startLine": 1}},
        "logicalLocations": [{"fullyQualifiedName": f"{stack}/{name}", "kind": "resource"}],
    }
    result: dict[str, object] = {
        "ruleId": found.rule,
        "level": "note" if found.skipped else LEVELS.get(found.level, "note"),
        "message": {"text": message},
        "locations": [place],
        # Two stacks break one rule in one way: code scanning takes what has one fingerprint for one alert.
        "partialFingerprints": {"resource": f"{stack}/{found.rule}/{name}"},
    }
    if found.exempt:
        result["suppressions"] = [{"kind": "external", "justification": message}]
    return result
