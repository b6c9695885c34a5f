"""Changes of a pull request to its own policies are reported, and the base's pack judges it too."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from ops.base_pack import as_advice, base_pack
from ops.report.events import BASE_PACK
from ops.report.policy_changes import judges, policy_changes
from policies.examples import COMPLIANT
from policies.rule import Break
from policies.testing import broken, request_of

CONFIG = "policies/config/prod.json"
STRICT = {"all": {"enforcementLevel": "mandatory"}, "spread": {"most": 1}}


def tree(folder: Path) -> Path:
    """A project with a pack: what policy_changes reads of one."""
    files = {
        CONFIG: json.dumps(STRICT),
        "policies/exemptions.yaml": "[]",
        "policies/rules/scale.py": "LIMIT = 10",
        "docs/policies/README.md": "",
        "docs/policies/spread.md": "",
        "docs/policies/probes.md": "",
        ".github/workflows/preview.yaml": "on: pull_request",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def write(name: str, text: str) -> Callable[[Path], object]:
    return lambda head: (head / name).write_text(text)


def configure(**changes: object) -> Callable[[Path], object]:
    return write(CONFIG, json.dumps({**STRICT, **changes}))


CHANGES = {
    "a level": (
        configure(all={"enforcementLevel": "advisory"}),
        'all.enforcementLevel: "mandatory" becomes "advisory"',
    ),
    "a limit": (configure(spread={"most": 9}), "spread.most: 1 becomes 9"),
    "a limit that goes back to the default": (configure(spread={}), "spread.most: 1 becomes the default"),
    "an exemption": (
        write("policies/exemptions.yaml", "- {rule: spread, resource: '*'}"),
        'new exemption: {"resource": "*", "rule": "spread"}',
    ),
    "a rule": (lambda head: (head / "docs/policies/probes.md").unlink(), "the rule probes is taken out"),
    "the code of a rule": (
        write("policies/rules/scale.py", "LIMIT = 99"),
        "policies/rules/scale.py is changed, which decides what passes",
    ),
    "a workflow": (
        write(".github/workflows/preview.yaml", "on: never"),
        ".github/workflows/preview.yaml is changed, which decides what passes",
    ),
}


@pytest.mark.parametrize(("change", "told"), CHANGES.values(), ids=CHANGES)
def test_what_a_change_does_to_its_judges_is_told_in_one_sentence(
    tmp_path: Path, change: Callable[[Path], object], told: str
) -> None:
    base, head = tree(tmp_path / "base"), tree(tmp_path / "head")
    assert policy_changes("prod", base, head) == []
    change(head)
    assert policy_changes("prod", base, head) == [told]


def test_files_of_the_program_judge_nothing() -> None:
    assert judges(["app/api.py", "components/budget.py", "docs/policies/spread.md"]) == []
    named = [CONFIG, "stacks/policy_config.py", "ops/report/markdown.py", "policies/pack.py"]
    assert judges(named) == sorted(named)


def test_everything_that_the_base_finds_is_advice_and_what_it_switched_off_stays_off() -> None:
    config = {"all": {"enforcementLevel": "mandatory"}, "spread": "disabled", "probes": {"most": 1}}
    assert as_advice(config) == {
        "all": {"enforcementLevel": "advisory"},
        "spread": {"enforcementLevel": "disabled"},
        "probes": {"most": 1},
    }


def test_a_base_without_a_pack_or_without_the_stack_judges_nothing(root: Path, tmp_path: Path) -> None:
    assert base_pack(tmp_path, "prod", tmp_path / "pack") == ()
    assert base_pack(root, "another", tmp_path / "pack") == ()


def test_the_pack_of_the_base_answers_under_its_own_name_and_finds_what_it_always_did(
    root: Path, tmp_path: Path
) -> None:
    arguments = base_pack(root, "prod", tmp_path / "pack")
    assert arguments[::2] == ("--policy-pack", "--policy-pack-config")
    config = json.loads(Path(arguments[3]).read_text())
    assert config["all"] == {"enforcementLevel": "advisory"}
    assert config["scale-limits"]["instances"]["cpm"] == 10
    stack = broken(COMPLIANT, Break("deployment", "/spec/template/spec/hostNetwork", True))
    with subprocess.Popen([sys.executable, arguments[1]], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
                pack = analyzer_pb2_grpc.AnalyzerStub(channel)
                assert pack.GetAnalyzerInfo(empty_pb2.Empty()).name == BASE_PACK
                pack.Configure(analyzer_pb2.ConfigureAnalyzerRequest())
                found = pack.Analyze(request_of(stack["deployment"])).diagnostics
        finally:
            process.terminate()
    assert {(one.policyPackName, one.policyName) for one in found if "hostNetwork" in one.message} == {
        (BASE_PACK, "pod-security")
    }
