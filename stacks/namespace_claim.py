"""A namespace that another client has made is not taken over: it is read before it would be created, in previews too.

Server-side apply would take it silently, and everything of the same name in it afterwards
(docs/decisions/namespace-owner.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pulumi

from components.labels import FIELD_MANAGER
from components.namespace import OWNER
from infra.settings.clusters import ClusterSettings
from infra.settings.stack import StackSettings

if TYPE_CHECKING:
    from lightkube import Client


class NamespaceTaken(Exception):
    """The namespace belongs to another client of the cluster; the message names it, and the ways out."""


def refuse_taken(client: Client, namespace: str, stack: str) -> None:
    """Raises NamespaceTaken for a namespace that exists, that no stack made, and that was not given to this one.
    A cluster that does not answer is reported by the provider, which asks it next.
    """
    import httpx2
    from lightkube import ApiError
    from lightkube.resources.core_v1 import ConfigMap, Namespace

    try:
        found = client.get(Namespace, namespace)
        managers = {entry.manager for entry in (found.metadata and found.metadata.managedFields) or []}
        maps = client.list(ConfigMap, namespace=namespace)
        owner = next((one.data or {} for one in maps if one.metadata and one.metadata.name == OWNER), {})
    except ApiError as error:
        if error.status.code == 404:
            return
        raise
    except httpx2.HTTPError:
        return
    if owner.get("stack", stack) != stack:
        raise NamespaceTaken(
            f"namespace {namespace} belongs to the stack {owner['stack']} (config map {OWNER}). "
            f"Fix: give {stack} another one by contentgen:namespace."
        )
    # An update that was cut off has made the namespace already.
    if FIELD_MANAGER not in managers and not owner:
        makers = ", ".join(sorted(filter(None, managers))) or "an unknown client"
        raise NamespaceTaken(
            f"namespace {namespace} exists already and was made by {makers}, not by a stack of this program. "
            f"Fix: give {stack} another one by contentgen:namespace; or, if it is meant for this stack: "
            f"kubectl create configmap {OWNER} --namespace {namespace} --from-literal=stack={stack}"
        )


def claims(stack: str, settings: StackSettings, kubeconfigs: Mapping[str, str]) -> Mapping[str, pulumi.ResourceHook]:
    """By region the hook of its namespace. A region without a kubeconfig of its own is a context of the user's."""

    def claim(region: str) -> pulumi.ResourceHook:
        def look(args: pulumi.ResourceHookArgs) -> None:
            # Imported by the one update that makes a namespace.
            from lightkube import Client, KubeConfig

            file, context = kubeconfigs.get(region), settings.clusters.get(region, ClusterSettings()).context
            config = KubeConfig.from_file(file) if file else KubeConfig.from_env()
            namespace = str((args.new_inputs or {})["metadata"]["name"])
            refuse_taken(Client(config=config.get(None if file else context)), namespace, stack)

        return pulumi.ResourceHook(f"namespace-{region}", look, pulumi.ResourceHookOptions(on_dry_run=True))

    return {region: claim(region) for region in settings.regions}
