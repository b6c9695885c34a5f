"""``contentgen kubeconfig``: a file with the contexts that a stack names, for a machine that has none, such as CI's.

A context of a stack file is the name of an EKS cluster in its region. Who uses the file is asked for a token by the AWS
CLI at each call, so the file holds nothing secret. The user's own kubeconfig is never written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import boto3
import yaml
from botocore.exceptions import BotoCoreError, ClientError

from infra.settings.stack import NAMESPACE, StackSettings
from ops.console import Report

Entry: TypeAlias = Mapping[str, object]


class KubeconfigError(Exception):
    """A cluster cannot be described; the message names every one of them, and the fix."""


def write_kubeconfig(settings: StackSettings, path: Path, report: Report) -> None:
    """Asks EKS for the cluster of each region and writes the file, whole or not at all. Raises KubeconfigError."""
    wrong: list[str] = []
    clusters: dict[str, tuple[str, Entry]] = {}
    for region in settings.regions:
        context = settings.clusters[region].context if region in settings.clusters else None
        if context is None:
            wrong.append(f"{NAMESPACE}:clusters.{region}.context is not set; fix: the name of the region's EKS cluster")
            continue
        try:
            found = boto3.client("eks", region_name=region).describe_cluster(name=context)["cluster"]
            clusters[context] = (region, {"server": found["endpoint"], **_authority(found)})
        except (BotoCoreError, ClientError, KeyError) as error:
            wrong.append(f"{NAMESPACE}:clusters.{region}.context {context} is no cluster that answers: {error}")
    if wrong:
        raise KubeconfigError("\n".join(wrong))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(dict(_document(clusters)), sort_keys=False))
    report.line(f"{path}: {', '.join(clusters)}")


def _authority(cluster: Mapping[str, Mapping[str, str]]) -> Entry:
    return {"certificate-authority-data": cluster["certificateAuthority"]["data"]}


def _document(clusters: Mapping[str, tuple[str, Entry]]) -> Iterator[tuple[str, object]]:
    yield "apiVersion", "v1"
    yield "kind", "Config"
    yield "clusters", [{"name": name, "cluster": dict(cluster)} for name, (_, cluster) in clusters.items()]
    yield "contexts", [{"name": name, "context": {"cluster": name, "user": name}} for name in clusters]
    yield "users", [{"name": name, "user": {"exec": _token(name, region)}} for name, (region, _) in clusters.items()]


def _token(name: str, region: str) -> Entry:
    return {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": ["eks", "get-token", "--cluster-name", name, "--region", region],
        "interactiveMode": "Never",
    }
