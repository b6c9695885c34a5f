"""The workloads of the compliant stack: a service with its autoscaler, a store, a nightly backup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from policies.examples.base import NAMESPACE, in_cluster, labels
from policies.reading import Value
from policies.rule import Resource

IMAGE: Final = "registry.example.com/shop@sha256:" + "1" * 64
HARDENED: Final[Mapping[str, Value]] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
SIZES: Final[Mapping[str, Value]] = {
    "requests": {"cpu": "250m", "memory": "256Mi", "ephemeral-storage": "64Mi"},
    "limits": {"cpu": "1000m", "memory": "1Gi", "ephemeral-storage": "256Mi"},
}


def container(name: str) -> dict[str, Value]:
    """A container that every rule passes."""
    return {
        "name": name,
        "image": IMAGE,
        "env": [{"name": "PORT", "value": "8000"}, {"name": "DATABASE_PASSWORD", "value": "/run/secrets/password"}],
        "resources": {**SIZES},
        "securityContext": {**HARDENED},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }


def probed(name: str) -> dict[str, Value]:
    """The same with probes and a stop that gives the load balancer time."""
    return {
        **container(name),
        "ports": [{"containerPort": 8000}],
        "startupProbe": {"httpGet": {"path": "/health", "port": 8000}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8000}},
        "livenessProbe": {"httpGet": {"path": "/health", "port": 8000}},
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    }


def pod(one: dict[str, Value], **more: Value) -> dict[str, Value]:
    """A pod of one container."""
    return {
        "serviceAccountName": one["name"],
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [one],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
        **more,
    }


def template(component: str, spec: dict[str, Value]) -> dict[str, Value]:
    """A pod template with its labels."""
    return {"metadata": {"labels": labels(component)}, "spec": spec}


def scheduled(component: str) -> Resource:
    """A nightly job."""
    job: dict[str, Value] = {
        "activeDeadlineSeconds": 3600,
        "backoffLimit": 2,
        "template": template(component, pod(container(component), restartPolicy="Never")),
    }
    spec: dict[str, Value] = {
        "schedule": "0 2 * * *",
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 600,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {"spec": job},
    }
    return in_cluster("batch/v1:CronJob", component, {"spec": spec})


def traffic(component: str) -> Resource:
    """Network policy of a component."""
    outside: dict[str, Value] = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}}
    spec: dict[str, Value] = {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": component}},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{"to": [outside], "ports": [{"port": 443, "protocol": "TCP"}]}],
    }
    return in_cluster("networking.k8s.io/v1:NetworkPolicy", component, {"spec": spec}, f"{component}-traffic")


_AWAY: Final[Mapping[str, Value]] = {
    "weight": 100,
    "podAffinityTerm": {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "cpm"}},
    },
}
_SERVICE_POD: Final = pod(
    probed("cpm"),
    terminationGracePeriodSeconds=60,
    affinity={"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [_AWAY]}},
    topologySpreadConstraints=[
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "cpm"}},
        }
    ],
)
_USE: Final = [
    {"type": "Resource", "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": percent}}}
    for name, percent in (("cpu", 70), ("memory", 80))
]

EXAMPLES: Final[Mapping[str, Resource]] = {
    "namespace": replace(
        in_cluster("core/v1:Namespace", NAMESPACE, {}),
        properties={
            "metadata": {
                "name": NAMESPACE,
                "labels": {**labels("namespace"), "pod-security.kubernetes.io/enforce": "restricted"},
            }
        },
    ),
    "quota": in_cluster("core/v1:ResourceQuota", "quota", {"spec": {"hard": {"limits.memory": "64Gi", "pods": "60"}}}),
    "limit range": in_cluster(
        "core/v1:LimitRange", "defaults", {"spec": {"limits": [{"type": "Container", "default": {"memory": "256Mi"}}]}}
    ),
    "default deny": in_cluster(
        "networking.k8s.io/v1:NetworkPolicy",
        "default-deny",
        {"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}},
    ),
    "traffic": traffic("cpm"),
    "database traffic": traffic("postgres"),
    "backup traffic": traffic("backup"),
    "restore traffic": traffic("restore-test"),
    "config": in_cluster(
        "core/v1:ConfigMap",
        "cpm",
        {
            "data": {
                "DATABASE_POOL_SIZE": "5",
                "DATABASE_MAX_OVERFLOW": "5",
                "UVICORN_WORKERS": "1",
                "CORS_ORIGINS": "https://shop.example.com",
            }
        },
    ),
    "role": in_cluster(
        "rbac.authorization.k8s.io/v1:Role",
        "leader",
        {"rules": [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "update"]}]},
    ),
    "deployment": in_cluster(
        "apps/v1:Deployment",
        "cpm",
        {
            "spec": {
                "selector": {"matchLabels": {"app.kubernetes.io/name": "cpm"}},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
                "template": template("cpm", _SERVICE_POD),
            }
        },
    ),
    "autoscaler": in_cluster(
        "autoscaling/v2:HorizontalPodAutoscaler",
        "cpm",
        {
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cpm"},
                "minReplicas": 2,
                "maxReplicas": 10,
                "metrics": _USE,
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
            }
        },
    ),
    "disruption budget": in_cluster(
        "policy/v1:PodDisruptionBudget",
        "cpm",
        {"spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app.kubernetes.io/name": "cpm"}}}},
    ),
    "service": in_cluster(
        "core/v1:Service", "cpm", {"spec": {"selector": {"app.kubernetes.io/name": "cpm"}, "ports": [{"port": 80}]}}
    ),
    "store": replace(
        in_cluster(
            "apps/v1:StatefulSet",
            "postgres",
            {
                "spec": {
                    "replicas": 1,
                    "selector": {"matchLabels": {"app.kubernetes.io/name": "postgres"}},
                    "template": template(
                        "postgres", pod({**probed("postgres"), "args": ["-c", "max_connections=200"]})
                    ),
                    "volumeClaimTemplates": [
                        {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "20Gi"}}}}
                    ],
                }
            },
        ),
        protect=True,
    ),
    "backup": scheduled("backup"),
    "restore test": scheduled("restore-test"),
}
