"""The horizontal autoscaler of one Deployment (requirements K06, K07)."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import pulumi
from pulumi_kubernetes import autoscaling

from components.labels import metadata
from stacks.specs.scale_behaviour import PROMPT, ScaleBehaviour

YIELDS: Final = MappingProxyType({"validations.keda.sh/hpa-ownership": "false"})
"""Annotation by which KEDA lets a ScaledObject take its place in the update that exchanges the two."""


@dataclass(frozen=True)
class AutoscalerArgs:
    """Arguments of Autoscaler.

    namespace: Kubernetes namespace of the objects.
    product: product in the recommended labels (K01).
    component: name of the Deployment.
    minimum: least number of instances.
    maximum: largest number of instances.
    cpu_percent: target of CPU use, per cent of an instance's request.
    memory_percent: target of memory use, per cent of an instance's request.
    behaviour: pace at which it follows the load.
    """

    namespace: str
    product: str
    component: str
    minimum: int
    maximum: int
    cpu_percent: int
    memory_percent: int
    behaviour: ScaleBehaviour = PROMPT


class Autoscaler(pulumi.ComponentResource):
    """Owns the replica count of a Deployment: nothing else may set it, or every ``up`` would fight the controller."""

    def __init__(self, name: str, args: AutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:kubernetes:Autoscaler", name, None, opts)
        autoscaling.v2.HorizontalPodAutoscaler(
            f"{name}-hpa",
            metadata=metadata(args.component, args.product, args.namespace, args.component, YIELDS),
            spec=autoscaling.v2.HorizontalPodAutoscalerSpecArgs(
                scale_target_ref=autoscaling.v2.CrossVersionObjectReferenceArgs(
                    api_version="apps/v1", kind="Deployment", name=args.component
                ),
                min_replicas=args.minimum,
                max_replicas=args.maximum,
                metrics=[_utilization("cpu", args.cpu_percent), _utilization("memory", args.memory_percent)],
                behavior=behaviour(args.behaviour),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"minimum": args.minimum, "maximum": args.maximum})


def _utilization(resource: str, percent: int) -> autoscaling.v2.MetricSpecArgs:
    target = autoscaling.v2.MetricTargetArgs(type="Utilization", average_utilization=percent)
    return autoscaling.v2.MetricSpecArgs(
        type="Resource", resource=autoscaling.v2.ResourceMetricSourceArgs(name=resource, target=target)
    )


def behaviour(pace: ScaleBehaviour) -> autoscaling.v2.HorizontalPodAutoscalerBehaviorArgs:
    """The pace as Kubernetes has it: up by the larger step, down by the smaller one."""

    def step(kind: str, value: int, seconds: int) -> autoscaling.v2.HPAScalingPolicyArgs:
        return autoscaling.v2.HPAScalingPolicyArgs(type=kind, value=value, period_seconds=seconds)

    return autoscaling.v2.HorizontalPodAutoscalerBehaviorArgs(
        scale_down=autoscaling.v2.HPAScalingRulesArgs(
            stabilization_window_seconds=pace.down_window_seconds,
            policies=[step("Percent", 10, 60), step("Pods", 1, 60)],
            select_policy="Min",
        ),
        scale_up=autoscaling.v2.HPAScalingRulesArgs(
            stabilization_window_seconds=pace.up_window_seconds,
            policies=[step("Percent", 100, pace.up_period_seconds), step("Pods", 4, pace.up_period_seconds)],
            select_policy="Max",
        ),
    )
