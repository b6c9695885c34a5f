"""The namespace of a product in one region: restricted pod security, and nothing may talk unless a policy says so."""

from __future__ import annotations

from typing import Final

import pulumi
from pulumi_kubernetes import core, meta, networking

from components.labels import metadata

OWNER: Final = "contentgen-owner"


class Namespace(pulumi.ComponentResource):
    """A namespace with Pod Security ``restricted`` enforced and a default-deny network policy (requirement K11).

    ``name_`` is a plain value, so every consumer and every policy knows it at preview. A config map in it belongs to
    one stack alone: a second stack in the same namespace is refused by the API server, which names the first one,
    instead of taking over its objects one by one. ``claim`` is asked before the namespace is created, and refuses one
    that another field manager has made (docs/decisions/namespace-owner.md).
    """

    name_: str

    def __init__(
        self,
        name: str,
        namespace: str,
        product: str,
        stack: str,
        opts: pulumi.ResourceOptions | None = None,
        claim: pulumi.ResourceHook | None = None,
    ) -> None:
        super().__init__("contentgen:kubernetes:Namespace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        pod_security = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
        made = core.v1.Namespace(
            f"{name}-namespace",
            metadata=metadata("namespace", product, name=namespace, extra_labels=pod_security),
            opts=pulumi.ResourceOptions(
                parent=self, hooks=pulumi.ResourceHookBinding(before_create=[claim]) if claim else None
            ),
        )
        networking.v1.NetworkPolicy(
            f"{name}-default-deny",
            metadata=metadata("default-deny", product, namespace, "default-deny"),
            spec=networking.v1.NetworkPolicySpecArgs(
                pod_selector=meta.v1.LabelSelectorArgs(), policy_types=["Ingress", "Egress"]
            ),
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[made])),
        )
        core.v1.ConfigMap(
            f"{name}-owner",
            metadata=metadata(OWNER, product, namespace, OWNER, only_manager=f"{OWNER}-{stack}"),
            data={"stack": stack},
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[made])),
        )
        self.name_ = namespace
        self.register_outputs({"name": namespace})
