"""Nodes of clusters: a floor, pods that fit, manifests for the oldest version, and real clusters held to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from infra.catalog.nodes import LEAST, OLDEST, RECOMMENDED, Version, version
from infra.settings.errors import SettingsError
from infra.settings.nodes import NodeSettings
from infra.settings.stack import StackSettings
from localcloud.base_objects import NODE_CAPACITY
from localcloud.toolchain.families import KUBERNETES_VERSION
from ops.cli import app
from ops.clusters import (
    Ask,
    ClusterRefusedError,
    ClusterUnknownError,
    Node,
    clusters_hold,
    reachable,
    reported,
    shortcomings,
)
from ops.console import Report
from stacks import validation
from stacks.plan import plan
from stacks.sizing.namespace_quota import Running
from stacks.sizing.node_fit import misfits
from stacks.specs.resources import Resources
from stacks.stack_files import parse
from tests.unit.engine import Declared
from tests.unit.kubernetes_schemas import validate
from tests.unit.program import declared
from tests.unit.test_manifests import built_in

GIBIBYTE = 2**30
GOOD = Node("good", 4, 7.6 * GIBIBYTE, 99 * GIBIBYTE)


def settings(**values: object) -> StackSettings:
    clusters = {"us-east-1": {"context": "mine"}}
    return parse(
        "it",
        {"environment": "dev", "domain": "example.com", "regions": ["us-east-1"], "clusters": clusters, **values},
    )


@pytest.mark.requirement("Z09")
def test_nodes_are_the_recommended_ones_unless_stated() -> None:
    assert (RECOMMENDED.cores, RECOMMENDED.memory_gb, RECOMMENDED.disk_gb) == (4, 8, 100)
    assert NodeSettings() == NodeSettings(cores=4, memory_gb=8, disk_gb=100)


@pytest.mark.requirement("Z09")
@pytest.mark.parametrize(
    ("key", "value", "least"),
    [("cores", 1, 2), ("memory_gb", 3, 4), ("disk_gb", 39, 40), ("kubernetes", "1.24", "1.25")],
)
def test_less_than_the_floor_is_refused_with_what_is_allowed(key: str, value: object, least: object) -> None:
    with pytest.raises(SettingsError) as raised:
        settings(nodes={key: value})
    (wrong,) = raised.value.wrong
    assert (wrong.key, wrong.value) == (f"contentgen:nodes.{key}", value)
    assert str(least) in wrong.allowed
    assert settings(nodes={key: least})


@pytest.mark.requirement("Z09")
def test_a_pod_that_fits_on_no_node_is_refused_before_anything_is_made() -> None:
    floor = {"cores": LEAST.cores, "memory_gb": LEAST.memory_gb, "disk_gb": LEAST.disk_gb}
    assert validation.findings(plan("it", settings(nodes=floor)), embedded=True) == validation.findings(
        plan("it", settings()), embedded=True
    )
    large = Running("large", 1, Resources("1900m", "2000m", "3Gi", "4Gi"))
    small = plan("it", settings(nodes=floor))
    findings = validation.findings(replace(small, running=(large,)), embedded=True)
    told = [one for one in findings if one.key == "contentgen:nodes"]
    assert ["large, which asks for 1900m of CPU" in told[0].allowed, "3Gi of memory" in told[1].allowed] == [True, True]
    assert all("use larger nodes" in one.allowed for one in told)


def test_what_a_node_keeps_for_itself_is_no_room_for_pods() -> None:
    def fits(cpu: str, memory: str) -> bool:
        return not list(misfits([Running("it", 1, Resources(cpu, cpu, memory, memory))], NodeSettings()))

    assert fits("3800m", "6605Mi")
    assert not fits("3801m", "1Mi")
    assert not fits("1m", "6606Mi")


@pytest.mark.requirement("Z09")
@pytest.mark.parametrize("kubernetes", ["1.25", "1.30"])
def test_every_object_suits_the_oldest_version_that_the_file_names(kubernetes: str) -> None:
    engine = declared("dev", settings(nodes={"kubernetes": kubernetes}))
    objects = built_in(engine)
    assert len(objects) > 50
    for one in objects:
        validate(one.inputs, kubernetes)


@pytest.mark.parametrize(
    ("kubernetes", "hook"), [("1.29", {"exec": {"command": ["sleep", "5"]}}), ("1.30", {"sleep": {"seconds": 5}})]
)
def test_an_instance_waits_before_it_stops_on_old_clusters_too(kubernetes: str, hook: object) -> None:
    deployments: list[Declared] = declared("dev", settings(nodes={"kubernetes": kubernetes})).of("Deployment")
    hooks = [one.at("spec", "template", "spec", "containers", 0, "lifecycle", "preStop") for one in deployments]
    assert hooks.count(hook) == 4  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "found"), [("1.25", (1, 25)), ("v1.31.4-eks-2d5f260", (1, 31)), ("v1.30+", (1, 30))])
def test_versions_are_read_as_servers_write_them(text: str, found: tuple[int, int]) -> None:
    assert version(text) == found


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(ValueError, match="no version of Kubernetes"):
        version("latest")


@pytest.mark.requirement("Z09")
def test_the_embedded_clusters_are_above_the_floor() -> None:
    assert version(KUBERNETES_VERSION) >= OLDEST
    nodes = {"items": [{"metadata": {"name": "a"}, "status": {"capacity": NODE_CAPACITY}}]}
    assert list(shortcomings(*reported("context", answering(nodes)), NodeSettings())) == []


CONTEXTS = {"us-east-1": "mine"}


def answering(nodes: object, server: str = f"v{KUBERNETES_VERSION}") -> Ask:
    def ask(_: str, arguments: Sequence[str]) -> str:
        return json.dumps({"gitVersion": server} if "/version" in arguments else nodes)

    return ask


@pytest.mark.requirement("Z09")
@pytest.mark.parametrize(
    ("server", "node", "said"),
    [
        ((1, 29), GOOD, "it has Kubernetes 1.29, and contentgen:nodes.kubernetes says 1.30"),
        ((1, 30), Node("small", 2, GOOD.memory, GOOD.disk), "small has cores 2, and contentgen:nodes.cores says 4"),
        ((1, 30), Node("poor", 4, 4 * GIBIBYTE, GOOD.disk), "poor has memory 4.3 GB, and contentgen:nodes.memory_gb"),
        ((1, 30), Node("full", 4, GOOD.memory, 20 * GIBIBYTE), "full has disk 21.5 GB, and contentgen:nodes.disk_gb"),
    ],
)
def test_a_cluster_that_is_less_than_stated_is_told_with_the_fix(
    server: tuple[int, int], node: Node, said: str
) -> None:
    (line,) = shortcomings(Version(*server), [GOOD, node], NodeSettings())
    assert line.startswith(said)
    assert "fix: use " in line


def test_control_planes_and_nodes_made_to_the_measure_of_a_pod_are_not_asked_about() -> None:
    def node(name: str, **labels: str) -> dict[str, object]:
        return {"metadata": {"name": name, "labels": labels}, "status": {"capacity": {"cpu": "500m", "memory": "1Ki"}}}

    special = [
        node("a", **{"node-role.kubernetes.io/control-plane": ""}),
        node("b", **{"eks.amazonaws.com/compute-type": "fargate"}),
    ]
    _, found = reported("context", answering({"items": [*special, node("c")]}))
    assert found == [Node("c", 0.5, 1024, 0)]


def test_every_regions_cluster_is_told_of_and_the_small_one_counts(capsys: pytest.CaptureFixture[str]) -> None:
    small = {"items": [{"metadata": {"name": "a"}, "status": {"capacity": {**NODE_CAPACITY, "cpu": "2"}}}]}
    assert not clusters_hold(settings(), CONTEXTS, Report(), answering(small))
    assert "us-east-1: a has cores 2" in capsys.readouterr().out
    assert clusters_hold(settings(nodes={"cores": 2}), CONTEXTS, Report(), answering(small))
    assert "us-east-1: no finding" in capsys.readouterr().out


@pytest.mark.parametrize("answer", ["not JSON", '{"items": [{"metadata": {"name": "a"}, "status": {"capacity": {}}}]}'])
def test_nodes_of_which_nothing_is_known_fail_the_check(answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    def ask(context: str, arguments: Sequence[str]) -> str:
        return json.dumps({"gitVersion": "v1.31.0"}) if "/version" in arguments else answer

    assert not clusters_hold(settings(), CONTEXTS, Report(), ask)
    assert "us-east-1: nodes cannot be checked" in capsys.readouterr().out


def test_nodes_that_the_role_may_not_list_are_told_of_and_stop_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def refused(context: str, arguments: Sequence[str]) -> str:
        raise ClusterRefusedError("Error from server (Forbidden): nodes is forbidden")

    assert clusters_hold(settings(), CONTEXTS, Report(), refused)
    assert "us-east-1: nodes cannot be checked: Error from server (Forbidden)" in capsys.readouterr().out


def test_a_cluster_that_does_not_answer_is_told_of_once_and_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(context: str, arguments: Sequence[str]) -> str:
        raise ClusterUnknownError(f'error: context "{context}" does not exist')

    assert reachable(settings(), Report(), unreachable) == {}
    capsys.readouterr()
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    done = CliRunner().invoke(app, ["clusters", "--stack", "prod"])
    assert done.exit_code == 1
    told = done.output.splitlines()
    assert [line.partition(":")[0] for line in told] == ["us-east-1", "eu-west-1", "ap-southeast-1"]
    assert all("cannot be asked" in line for line in told)
