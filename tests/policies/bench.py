"""``python -m tests.policies.bench``: what the pack costs, as rows for docs/benchmarks.md: what, figure, command.

The goal is 3 ms for all rules on a large Deployment; the SDK's own loop, with the same rules, is measured beside it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import _PolicyAnalyzerServicer

from policies.analyzer import Analyzer
from policies.examples import COMPLIANT
from policies.pack import RULES
from policies.reading import Value
from policies.sdk import policy_of
from policies.testing import Pack, plain_object
from tests.policies.conftest import CONFIG
from tests.policies.declared import resources

COMMAND: Final = "python -m tests.policies.bench"
ROOT: Final = Path(__file__).resolve().parent.parent.parent
RUNS: Final = 200


def main() -> None:
    for what, figure in rows():
        print(f"| {what} | {figure} | `{COMMAND}` |")


def rows() -> list[tuple[str, str]]:
    """Medians on this machine."""
    request = large_deployment()
    ours = Analyzer("pack", "1.0.0", RULES)
    stock = _PolicyAnalyzerServicer("pack", "1.0.0", [policy_of(one) for one in RULES], EnforcementLevel.MANDATORY)
    mine = _median(lambda: ours.Analyze(request, None), RUNS)
    theirs = _median(lambda: stock.Analyze(request, None), 20)
    prod = resources(ROOT, "prod")
    pack = Pack(RULES, CONFIG)
    whole = _median(lambda: pack.findings(prod), 3)
    return [
        (f"{len(RULES)} rules on a large Deployment", f"{mine:.2f} ms"),
        ("the same by the SDK's own loop", f"{theirs:.1f} ms"),
        (f"the whole pack on production's {len(prod)} resources", f"{whole:.0f} ms"),
    ]


def large_deployment() -> analyzer_pb2.AnalyzeRequest:
    """The compliant example with three containers of twenty variables: three hundred values, twice what ours have."""
    resource = COMPLIANT["deployment"]
    properties = plain_object(resource.properties)
    pod = properties["spec"]["template"]["spec"]  # type: ignore[index,call-overload]
    variables: list[Value] = [{"name": f"SETTING_{number}", "value": f"value {number}"} for number in range(20)]
    pod["containers"] = [{**pod["containers"][0], "name": f"c{number}", "env": variables} for number in range(3)]  # type: ignore[index,call-overload]
    return analyzer_pb2.AnalyzeRequest(
        type=resource.type,
        name=resource.name,
        urn=resource.urn,
        properties=json_format.ParseDict(properties, struct_pb2.Struct()),
    )


def _median(action: Callable[[], object], runs: int) -> float:
    """Milliseconds of this process: what else the machine does is not the pack's."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return statistics.median(times) * 1000


if __name__ == "__main__":
    main()
