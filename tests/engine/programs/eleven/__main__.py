"""A program that asks for one instance too many, past the settings that would refuse it."""

import os

import pulumi
import pulumi_kubernetes as kubernetes

provider = kubernetes.Provider("cluster", kubeconfig=os.environ["TARGET_KUBECONFIG"])
kubernetes.autoscaling.v2.HorizontalPodAutoscaler(
    "eleven-hpa",
    spec={"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cpm"}, "maxReplicas": 11},
    opts=pulumi.ResourceOptions(provider=provider),
)
