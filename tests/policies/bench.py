"""``python -m tests.policies.bench``: what the pack costs, as rows for docs/benchmarks.md: what, figure, command.

The goals are 2 ms for all rules on a large Deployment, and a twentieth of production's preview that changes nothing.
The baselines are the SDK's own loop with the same rules, and the same conversation with a pack of one rule: to import
the SDK and to answer two calls a resource costs that much, whatever the rules do.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import grpc
import psutil
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import _PolicyAnalyzerServicer

from policies.analyzer import Analyzer
from policies.examples import COMPLIANT
from policies.pack import RULES
from policies.reading import Value
from policies.rule import Resource
from policies.sdk import policy_of
from policies.serving import LARGEST_MESSAGE
from policies.testing import Pack, of_stack, plain_object, request_of, wire
from tests.policies.conftest import CONFIG
from tests.policies.declared import resources

COMMAND: Final = "python -m tests.policies.bench"
ROOT: Final = Path(__file__).resolve().parent.parent.parent
RUNS: Final = 200
RUNS_OF_A_PROCESS: Final = 3
FULL: Final = ["-m", "pulumi.policy", "127.0.0.1:1", "policies"]
"""As the engine starts it: its module imports the whole SDK before the first line of ours."""
ONE_RULE: Final = [
    "-c",
    (
        "import pulumi.runtime; "
        "from policies.analyzer import Analyzer; from policies.pack import RULES; from policies.serving import serve; "
        "serve(Analyzer('one', '1.0.0', [one for one in RULES if one.name == 'budget']))"
    ),
]


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
    full, least = (min(conversation(program, prod) for _ in range(RUNS_OF_A_PROCESS)) for program in (FULL, ONE_RULE))
    return [
        (f"{len(RULES)} rules on a large Deployment", f"{mine:.2f} ms"),
        ("the same by the SDK's own loop", f"{theirs:.1f} ms"),
        (f"the whole pack on production's {len(prod)} resources", f"{whole:.0f} ms"),
        ("the pack's process for a preview of them, from its start to its last answer", f"{full:.2f} s of processor"),
        ("the same of a pack that has one rule", f"{least:.2f} s of processor, {least / full:.0%} of it"),
    ]


def conversation(program: list[str], stack: Sequence[Resource]) -> float:
    """Seconds of processor that a pack's process takes to be started, configured and asked as a preview asks it."""
    wires = [wire(one) for one in stack]
    requests = [request_of(one, of) for one, of in zip(stack, wires, strict=True)]
    whole = analyzer_pb2.AnalyzeStackRequest(resources=[of_stack(*one) for one in zip(stack, wires, strict=True)])
    # The first run of a machine leaves its bytecode, unless an environment forbids it, as those of tests may.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen([sys.executable, *program], stdout=subprocess.PIPE, cwd=ROOT, env=environment) as process:
        try:
            assert process.stdout is not None
            address = f"127.0.0.1:{int(process.stdout.readline())}"
            with grpc.insecure_channel(address, options=[("grpc.max_send_message_length", LARGEST_MESSAGE)]) as channel:
                pack = analyzer_pb2_grpc.AnalyzerStub(channel)
                pack.Configure(analyzer_pb2.ConfigureAnalyzerRequest())
                for request in requests:
                    pack.Remediate(request)
                    pack.Analyze(request)
                pack.AnalyzeStack(whole)
            used = psutil.Process(process.pid).cpu_times()
            return used.user + used.system
        finally:
            process.terminate()


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
