"""The pack's process begins without what it does not use, and is whole where it is asked for more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LEAN = ["grpc.aio", "pulumi", "pulumi.runtime", "pulumi.runtime.proto", "pulumi_policy"]
SCRIPT = """
import json, sys
from policies import lean_imports
lean_imports.install()
from policies.analyzer import Analyzer
from policies.pack import RULES
from policies.serving import serve

def left():
    return [name for name in lean_imports.LEAN if lean_imports.is_lean(sys.modules[name])]

pack = Analyzer("pack", "1.0.0", RULES)
found = {"lean": left(), "modules": sorted(name for name in sys.modules if name.startswith(("pulumi", "grpc.aio")))}

from google.protobuf import json_format, struct_pb2
from policies.decoding import decoded
asset = {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", "text": "hello"}
kept = decoded(json_format.ParseDict({"file": asset}, struct_pb2.Struct()))["file"]
import pulumi, pulumi_policy
found["asset"] = kept.text if isinstance(kept, pulumi.StringAsset) else ""
found["left"] = left()
found["output"] = pulumi.Output.from_input(1).is_known is not None and pulumi.runtime.is_dry_run() is not None
import pulumi.runtime.rpc as rpc
found["twice"] = rpc is not pulumi.runtime.rpc or rpc is not sys.modules["pulumi.runtime.rpc"]
found["policy"] = pulumi_policy.ResourceValidationPolicy.__name__
try:
    pulumi.no_such_name
except AttributeError as error:
    found["wrong"] = str(error)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(root: Path) -> dict[str, object]:
    """Result of an interpreter of its own: packages are imported once a process."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, check=True, capture_output=True, text=True)
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_the_analyzer_and_all_rules_need_the_messages_and_the_proxies_alone(found: dict[str, object]) -> None:
    assert sorted(found["lean"]) == LEAN  # type: ignore[call-overload]
    assert found["modules"] == [
        "grpc.aio",
        "pulumi",
        "pulumi.runtime",
        "pulumi.runtime.proto",
        "pulumi.runtime.proto.analyzer_pb2",
        "pulumi.runtime.proto.analyzer_pb2_grpc",
        "pulumi.runtime.proto.plugin_pb2",
        "pulumi_policy",
        "pulumi_policy.proxy",
        "pulumi_policy.secret",
        "pulumi_policy.version",
    ]


def test_an_asset_brings_the_whole_sdk_which_then_works(found: dict[str, object]) -> None:
    assert found["asset"] == "hello"
    assert set(LEAN[1:4]).isdisjoint(found["left"])  # type: ignore[call-overload]
    assert found["output"] is True
    assert found["twice"] is False
    assert found["policy"] == "ResourceValidationPolicy"
    assert found["wrong"] == "module 'pulumi' has no attribute 'no_such_name'"
