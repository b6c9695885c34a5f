"""A namespace, a Deployment of the project's own image with its Service, and a bucket."""

import json
import os
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

REGION = "us-east-1"
PORT = 8000
LABELS = {"app": "shelf"}
SERVICES = ("s3", "sts")

cloud = json.loads(Path(os.environ["SHELF_CLOUD"]).read_text())
config = pulumi.Config()
cluster = pulumi.ResourceOptions(
    provider=kubernetes.Provider(
        "cluster", kubeconfig=cloud["kubeconfigs"][REGION], cluster_identifier=f"{pulumi.get_stack()}-{REGION}"
    )
)
account = pulumi.ResourceOptions(
    provider=aws.Provider(
        "account",
        region=REGION,
        access_key="deploying",
        secret_key="deploying",
        endpoints=[aws.ProviderEndpointArgs(**dict.fromkeys(SERVICES, cloud["aws_endpoint"]))],
        skip_credentials_validation=True,
        skip_metadata_api_check=True,
        skip_requesting_account_id=True,
        skip_region_validation=True,
        s3_use_path_style=True,
    )
)

namespace = kubernetes.core.v1.Namespace("shelf", metadata={"name": "shelf"}, opts=cluster)
metadata = {"name": "shelf", "namespace": namespace.metadata["name"]}
container = {
    "name": "shelf",
    "image": "shelf:1",
    "env": [{"name": "PORT", "value": str(PORT)}, {"name": "GREETING", "value": config.require("greeting")}],
    "ports": [{"name": "http", "containerPort": PORT}],
    "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}},
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    },
}
kubernetes.apps.v1.Deployment(
    "shelf",
    metadata=metadata,
    spec={
        "replicas": 1,
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {
                "automountServiceAccountToken": False,
                "hostNetwork": config.get_bool("host-network") or False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 1001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [container],
            },
        },
    },
    opts=cluster,
)
kubernetes.core.v1.Service(
    "shelf",
    metadata=metadata,
    spec={"selector": LABELS, "ports": [{"name": "http", "port": PORT, "targetPort": "http"}]},
    opts=cluster,
)
bucket = aws.s3.Bucket("covers", bucket=f"{pulumi.get_stack()}-covers", opts=account)
pulumi.export("bucket", bucket.bucket)
