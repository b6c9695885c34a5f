"""Access of KEDA to the database of a workload that it scales."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes import meta
from pulumi_kubernetes.apiextensions import CustomResource

KEDA_API = "keda.sh/v1alpha1"


def database_access(
    name: str,
    named: meta.v1.ObjectMetaArgs,
    secret: pulumi.Input[str],
    address_key: str,
    opts: pulumi.ResourceOptions,
) -> CustomResource:
    """The TriggerAuthentication with the database's address, which is the value of ``address_key`` in ``secret``."""
    return CustomResource(
        name,
        api_version=KEDA_API,
        kind="TriggerAuthentication",
        metadata=named,
        spec={"secretTargetRef": [{"parameter": "connection", "name": secret, "key": address_key}]},
        opts=opts,
    )
