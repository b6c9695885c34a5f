"""Makers of what runs in a namespace, and what is around it."""

from __future__ import annotations

from collections.abc import Callable

from components.alert_rules import AlertRules, AlertRulesArgs
from components.application_job import ApplicationJob, ApplicationJobArgs
from components.autoscaler import Autoscaler, AutoscalerArgs
from components.generation_service import GenerationService, GenerationServiceArgs
from components.idle_scaler import IdleScaler, IdleScalerArgs
from components.namespace import Namespace
from components.pod_monitor import PodMonitor, PodMonitorArgs
from components.queue_scaler import QueueScaler, QueueScalerArgs
from components.quota import Quota, QuotaArgs
from components.team_access import TeamAccess, TeamAccessArgs
from stacks.specs.alert import AlertRule, Severity
from stacks.specs.idling import Idling
from stacks.specs.network import HTTP, NamedPort, Traffic
from stacks.specs.rbac import Rule
from stacks.specs.resources import Resources, Totals

RESOURCES = Resources("250m", "1000m", "256Mi", "1Gi")
RULE = AlertRule("Name", "cpm", "up == 0", 60, Severity.LOW, "summary", "description", "page.md#name")


def service(name: str) -> GenerationService:
    return GenerationService(
        name,
        GenerationServiceArgs(
            namespace="shared",
            product="product",
            component=name,
            image="image:1",
            arguments=(),
            ports=(NamedPort(HTTP, 8000),),
            resources=RESOURCES,
            pre_stop_seconds=5,
            grace_seconds=60,
            secrets=("secret",),
            traffic=Traffic(),
        ),
    )


def job(name: str, schedule: str | None) -> ApplicationJob:
    args = ApplicationJobArgs(
        "shared", "product", name, "image:1", (name,), 8000, "secret", Traffic(), 60, "high", schedule
    )
    return ApplicationJob(name, args)


def queue_scaler(name: str) -> QueueScaler:
    return QueueScaler(
        name,
        QueueScalerArgs("shared", "product", name, 1, 5, 100, 10, 300, secret="secret", address_key="database_url"),
    )


def idle_scaler(name: str) -> IdleScaler:
    scaling = AutoscalerArgs("shared", "product", name, 2, 5, 70, 80)
    return IdleScaler(name, IdleScalerArgs(scaling, Idling(60, name), "secret", "database_url"))


def team_access(name: str) -> TeamAccess:
    return TeamAccess(name, TeamAccessArgs("shared", "product", name, (Rule("", ("pods",), ("get",)),), (name,)))


MAKERS: dict[str, Callable[[str], object]] = {
    "alert rules": lambda name: AlertRules(name, AlertRulesArgs("shared", "product", {"group": (RULE,)}, {}, name)),
    "application job": lambda name: job(name, None),
    "scheduled job": lambda name: job(name, "0 2 * * *"),
    "autoscaler": lambda name: Autoscaler(name, AutoscalerArgs("shared", "product", name, 1, 2, 70, 80)),
    "generation service": service,
    "idle scaler": idle_scaler,
    "namespace": lambda name: Namespace(name, name, "product", "stack"),
    "pod monitor": lambda name: PodMonitor(
        name, PodMonitorArgs("shared", "product", ("cpm",), (HTTP,), {"release": "a"}, name)
    ),
    "queue scaler": queue_scaler,
    "quota": lambda name: Quota(name, QuotaArgs("shared", "product", Totals(1, 1, 1, 1, 1, 1), name)),
    "team access": team_access,
}
TOKENS = {
    "AlertRules": "contentgen:observability:AlertRules",
    "ApplicationJob": "contentgen:kubernetes:ApplicationJob",
    "Autoscaler": "contentgen:kubernetes:Autoscaler",
    "GenerationService": "contentgen:kubernetes:GenerationService",
    "IdleScaler": "contentgen:kubernetes:IdleScaler",
    "Namespace": "contentgen:kubernetes:Namespace",
    "PodMonitor": "contentgen:observability:PodMonitor",
    "QueueScaler": "contentgen:kubernetes:QueueScaler",
    "Quota": "contentgen:kubernetes:Quota",
    "TeamAccess": "contentgen:kubernetes:TeamAccess",
}
