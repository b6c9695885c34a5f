"""Owner of a namespace, by what the API server says of it."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest
from lightkube import ApiError, Client
from lightkube.config.kubeconfig import KubeConfig
from lightkube.config.models import Cluster, User

from stacks.namespace_claim import NamespaceTaken, refuse_taken

Answer = Callable[[httpx2.Request], httpx2.Response]
NAMESPACE, CONFIG_MAPS = "/api/v1/namespaces/shop", "/api/v1/namespaces/shop/configmaps"


def _asked(answer: Answer) -> None:
    config = KubeConfig.from_one(cluster=Cluster(server="http://127.0.0.1:1"), user=User()).get()
    refuse_taken(Client(config=config, transport=httpx2.MockTransport(answer)), "shop", "shop-prod")


def _cluster(manager: str, owner: str | None) -> Answer:
    """A cluster with the namespace, made by a manager, and with the owner's config map."""
    fields = [{"manager": manager, "operation": "Update", "apiVersion": "v1"}]
    maps = [{"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": "x"}}]
    maps += [{"metadata": {"name": "contentgen-owner"}, "data": {"stack": owner}}] if owner else []
    answers: dict[str, object] = {
        NAMESPACE: {"metadata": {"name": "shop", "managedFields": fields}},
        CONFIG_MAPS: {"items": maps, "metadata": {}},
    }
    return lambda request: httpx2.Response(200, json=answers[request.url.path], request=request)


def _refusing(code: int) -> Answer:
    body = {"kind": "Status", "code": code, "message": "said so", "reason": "x", "status": "Failure"}
    return lambda request: httpx2.Response(code, json=body, request=request)


def test_a_namespace_that_somebody_else_made_is_refused_with_their_name_and_both_ways_out() -> None:
    with pytest.raises(NamespaceTaken) as refusal:
        _asked(_cluster("kubectl-create", None))
    said = str(refusal.value)
    assert "namespace shop exists already and was made by kubectl-create" in said
    assert "contentgen:namespace" in said
    assert "kubectl create configmap contentgen-owner --namespace shop --from-literal=stack=shop-prod" in said


def test_a_namespace_of_another_stack_is_refused_with_its_name_whoever_made_it() -> None:
    for manager in ("contentgen", "kubectl-create"):
        with pytest.raises(NamespaceTaken, match="namespace shop belongs to the stack shop-staging"):
            _asked(_cluster(manager, "shop-staging"))


@pytest.mark.parametrize(
    ("manager", "owner"), [("contentgen", None), ("contentgen", "shop-prod"), ("kubectl-create", "shop-prod")]
)
def test_what_a_cut_off_update_has_made_and_what_was_given_to_the_stack_is_its_own(
    manager: str, owner: str | None
) -> None:
    _asked(_cluster(manager, owner))


def test_a_namespace_that_is_not_there_is_free() -> None:
    _asked(_refusing(404))


def test_a_cluster_that_does_not_answer_is_left_to_the_provider_that_asks_next() -> None:
    def away(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    _asked(away)


def test_whoever_may_not_look_is_told_so() -> None:
    with pytest.raises(ApiError, match="said so"):
        _asked(_refusing(403))
