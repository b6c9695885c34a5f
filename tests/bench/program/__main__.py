"""The flat program: declares a list of resources by the providers' own classes, as somebody would without components,
and nothing else. FLAT_RESOURCES names the list, FLAT_SERVICES the parts of AWS that it is made of.
"""

import importlib
import json
import os
import re
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

CLOUD = json.loads(Path(os.environ["CONTENTGEN_CLOUD"]).read_text())
SERVICES = os.environ["FLAT_SERVICES"].split(",")

cloud = aws.Provider(
    "aws",
    region="us-east-1",
    access_key="embedded",
    secret_key="embedded",
    endpoints=[aws.ProviderEndpointArgs(**dict.fromkeys(SERVICES, CLOUD["aws_endpoint"]))],
    skip_credentials_validation=True,
    skip_metadata_api_check=True,
    skip_requesting_account_id=True,
    skip_region_validation=True,
    s3_use_path_style=True,
)
clusters = {
    region: kubernetes.Provider(f"kubernetes-{region}", kubeconfig=path, cluster_identifier=f"flat-{region}")
    for region, path in CLOUD["kubeconfigs"].items()
}
made: list[pulumi.CustomResource] = []


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def declared_by(kind):
    """The class of a type's token; a kind that no provider knows is Kubernetes' custom resource."""
    package, module, name = kind.split(":")
    if package != "kubernetes":
        part = module.split("/")[0]
        return getattr(importlib.import_module(f"pulumi_{package}" + ("" if part == "index" else f".{part}")), name)
    group, version = module.split("/")
    try:
        return getattr(importlib.import_module(f"pulumi_kubernetes.{group.split('.')[0]}.{version}"), name)
    except ImportError:
        return importlib.import_module("pulumi_kubernetes.apiextensions").CustomResource


def value(written):
    if isinstance(written, dict) and "$join" in written:
        return pulumi.Output.concat(*[value(part) for part in written["$join"]])
    if isinstance(written, dict) and "$from" in written:
        index, key = written["$from"]
        if key == "metadata":
            return made[index].metadata.apply(lambda metadata: metadata["name"])
        return getattr(made[index], snake(key))
    if isinstance(written, dict):
        return {key: value(one) for key, one in written.items()}
    return [value(one) for one in written] if isinstance(written, list) else written


for one in json.loads(Path(os.environ["FLAT_RESOURCES"]).read_text()):
    kind = one["type"]
    provider = clusters[one["cluster"]] if one["cluster"] else cloud if kind.startswith("aws:") else None
    options = pulumi.ResourceOptions(provider=provider, depends_on=[made[index] for index in one["after"]])
    properties = {snake(key): value(written) for key, written in one["inputs"].items()}
    made.append(declared_by(kind)(one["name"], opts=options, **properties))
