"""Prerequisites of a real cluster: each missing one is named with its fix, and a complete cluster has no finding."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from infra.settings.stack import StackSettings
from ops.clusters import Ask, ClusterRefusedError, ClusterUnknownError
from ops.console import Report
from ops.prerequisites import PREREQUISITES, prerequisites_hold, problem_of
from stacks.stack_files import parse
from tests.unit.program import CLUSTER

FLAGS = [
    "--source=gateway-httproute",
    "--txt-owner-id=prod-use1",
    "--domain-filter=example.com",
    "--txt-prefix=own-%{record_type}.",
]


CONTEXTS = {"us-east-1": "mine"}


def lacking(settings: StackSettings, context: str, ask: Ask) -> list[str]:
    """Shortcomings of a cluster in every prerequisite."""
    return [problem for one in PREREQUISITES if (problem := problem_of(one, settings, context, ask))]


def deployment(image: str = "", *arguments: str) -> dict[str, object]:
    return {"spec": {"template": {"spec": {"containers": [{"image": image, "args": [*arguments]}]}}}}


def condition(kind: str) -> dict[str, object]:
    return {"status": {"conditions": [{"type": kind, "status": "True"}]}}


GOOD: dict[str, dict[str, object]] = {
    "gatewayclass envoy-gateway": condition("Accepted"),
    "deployment envoy-gateway": deployment("envoyproxy/gateway:v1.6.0"),
    "crd envoyproxies.gateway.envoyproxy.io": {},
    "deployment aws-load-balancer-controller": deployment(),
    "deployment cert-manager": deployment("quay.io/jetstack/cert-manager-controller:v1.14.2"),
    "serviceaccount cert-manager": {},
    "deployment keda-operator": deployment(),
    "apiservice v1beta1.metrics.k8s.io": condition("Available"),
    "crd podmonitors.monitoring.coreos.com": {},
    "namespace monitoring": {},
    "deployment external-dns": deployment("external-dns:v0.22.0", *FLAGS),
    "daemonset aws-node": deployment("", "--enable-network-policy=true"),
    "storageclass": {"items": [{"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}]},
    "csidriver ebs.csi.aws.com": {},
    "secret keys": {"data": {"openai_api_key": "x"}},
    "secret research": {"data": {"tavily_api_key": "x"}},
    "secret tracker": {"data": {"sentry_dsn": "x"}},
}
"""A complete cluster's answers, by what kubectl is asked for."""

NODES: dict[str, dict[str, object]] = {
    "nodes -l gpu in (nvidia-t4)": {
        "items": [{"metadata": {"labels": {"gpu": "nvidia-t4"}}, "status": {"capacity": {"nvidia.com/gpu": "1"}}}]
    },
    "nodes -l node-type=spot": {"items": [{"metadata": {"labels": {"node-type": "spot"}}}]},
}
"""Nodes that single products need."""

WRONG: dict[str, dict[str, object]] = {
    "gatewayclass envoy-gateway": {"status": {"conditions": [{"type": "Accepted", "status": "False"}]}},
    "deployment envoy-gateway": deployment("envoyproxy/gateway:v1.5.9"),
    "deployment cert-manager": deployment("cert-manager-controller:v1.13.6"),
    "apiservice v1beta1.metrics.k8s.io": {},
    "daemonset aws-node": deployment("", "--enable-network-policy=false"),
    "storageclass": {"items": [{"metadata": {"name": "gp2"}}]},
    "secret keys": {"data": {"anthropic_api_key": "x"}},
    "secret research": {"data": {"openai_api_key": "x"}},
    "secret tracker": {"data": {}},
}


def settings(**values: object) -> StackSettings:
    least = {
        "environment": "dev",
        "domain": "example.com",
        "regions": ["us-east-1"],
        "clusters": {"us-east-1": CLUSTER},
    }
    own = {"writers": {"providers": ["openai"], "secret": "keys"}, "telemetry": {"secret": "tracker"}}
    own["research"] = {"secret": "research"}
    return parse("it", {**least, **own, **values})


def answering(answers: dict[str, dict[str, object]]) -> Ask:
    def ask(context: str, arguments: Sequence[str]) -> str:
        words = list(arguments)
        asked = " ".join(words[words.index("get") + 1 : words.index("-o")])
        if asked not in answers:
            raise ClusterUnknownError(f'Error from server (NotFound): "{asked}" not found')
        return json.dumps(answers[asked])

    return ask


def test_a_complete_cluster_has_no_finding() -> None:
    assert list(lacking(settings(), "mine", answering(GOOD))) == []
    assert len(GOOD) + len(NODES) == len(PREREQUISITES)


@pytest.mark.requirement("K13")
@pytest.mark.requirement("K12")
@pytest.mark.parametrize(
    ("product", "asked"), [("video-gateway", "gpu in (nvidia-t4)"), ("recipe-app", "node-type=spot")]
)
def test_a_product_that_needs_nodes_of_its_own_is_told_when_there_are_none(product: str, asked: str) -> None:
    wanted = settings(product=product, environment="local", writers={"providers": ["embedded"]})
    (line,) = lacking(wanted, "mine", answering(GOOD))
    assert f"nodes -l {asked}" in NODES
    assert " is missing: " in line
    assert list(lacking(wanted, "mine", answering({**GOOD, **NODES}))) == []
    (line,) = lacking(wanted, "mine", answering({**GOOD, f"nodes -l {asked}": {"items": []}}))
    assert " is not as needed: " in line


@pytest.mark.requirement("K13")
def test_a_node_whose_gpus_no_plugin_counts_is_none() -> None:
    wanted = settings(product="video-gateway", environment="local", writers={"providers": ["embedded"]})
    uncounted = {"items": [{"metadata": {"labels": {"gpu": "nvidia-t4"}}, "status": {"capacity": {"cpu": "4"}}}]}
    (line,) = lacking(wanted, "mine", answering({**GOOD, "nodes -l gpu in (nvidia-t4)": uncounted}))
    assert line.startswith("nodes with GPUs is not as needed")


@pytest.mark.parametrize("absent", GOOD)
def test_a_missing_prerequisite_is_named_with_its_fix(absent: str) -> None:
    answers = {key: value for key, value in GOOD.items() if key != absent}
    (line,) = lacking(settings(), "mine", answering(answers))
    assert " is missing: " in line
    assert "; fix: " in line


@pytest.mark.parametrize("wrong", WRONG)
def test_a_prerequisite_that_is_there_and_not_as_needed_is_named_with_its_fix(wrong: str) -> None:
    (line,) = lacking(settings(), "mine", answering({**GOOD, wrong: WRONG[wrong]}))
    assert " is not as needed: " in line


@pytest.mark.parametrize("flag", FLAGS)
def test_external_dns_without_one_of_its_flags_is_named(flag: str) -> None:
    others = [one for one in FLAGS if one != flag]
    answers = {**GOOD, "deployment external-dns": deployment("external-dns:v0.22.0", *others)}
    (line,) = lacking(settings(), "mine", answering(answers))
    assert line.startswith("external-dns is not as needed")


def test_names_of_the_stack_file_are_asked_for() -> None:
    answers = {key.replace("gatewayclass envoy-gateway", "gatewayclass eg"): value for key, value in GOOD.items()}
    assert list(lacking(settings(controllers={"gateway_class": "eg"}), "mine", answering(answers))) == []


def test_a_stack_whose_stores_are_managed_needs_no_volumes() -> None:
    answers = {key: value for key, value in GOOD.items() if not key.startswith(("storageclass", "csidriver"))}
    assert list(lacking(settings(environment="staging"), "mine", answering(answers))) == []


def test_what_a_role_may_not_ask_for_is_told_and_everything_else_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    def partly(context: str, arguments: Sequence[str]) -> str:
        if "storageclass" in arguments:
            raise ClusterRefusedError("Error from server (Forbidden): storageclasses is forbidden")
        return answering(GOOD)(context, arguments)

    assert prerequisites_hold(settings(), CONTEXTS, Report(), partly)
    told = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1] for line in told] == ["default StorageClass cannot be checked"]
    assert not prerequisites_hold(settings(), CONTEXTS, Report(), answering({}))
    assert "us-east-1: cert-manager is missing" in capsys.readouterr().out


def test_an_answer_that_makes_no_sense_fails_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    def senseless(context: str, arguments: Sequence[str]) -> str:
        raise ClusterUnknownError("no route to host")

    assert not prerequisites_hold(settings(), CONTEXTS, Report(), senseless)
    assert "cannot be checked: no route to host" in capsys.readouterr().out
    assert not prerequisites_hold(settings(), CONTEXTS, Report(), lambda context, arguments: "not JSON")
