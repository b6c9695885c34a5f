"""Placement of a component's pods: anti-affinity, topology spread, spot tolerations (requirements K05, K12)."""

from __future__ import annotations

from typing import Final

from pulumi_kubernetes import core, meta

from components.labels import selector

CAPACITY_TYPE: Final = "karpenter.sh/capacity-type"
SPOT: Final = "spot"


def anti_affinity(component: str) -> core.v1.PodAntiAffinityArgs:
    """Preferred, not required: a full cluster runs two on a node rather than one nowhere."""
    term = core.v1.PodAffinityTermArgs(
        topology_key="kubernetes.io/hostname",
        label_selector=meta.v1.LabelSelectorArgs(match_labels=selector(component)),
    )
    preferred = core.v1.WeightedPodAffinityTermArgs(weight=100, pod_affinity_term=term)
    return core.v1.PodAntiAffinityArgs(preferred_during_scheduling_ignored_during_execution=[preferred])


def affinity(component: str, *, interruptible: bool = False) -> core.v1.AffinityArgs:
    """An interruptible component prefers spot nodes, which cost less and may go at any time."""
    return core.v1.AffinityArgs(
        pod_anti_affinity=anti_affinity(component), node_affinity=_spot() if interruptible else None
    )


def tolerations(*, interruptible: bool) -> list[core.v1.TolerationArgs] | None:
    if not interruptible:
        return None
    return [core.v1.TolerationArgs(key=CAPACITY_TYPE, operator="Equal", value=SPOT, effect="NoSchedule")]


def zone_spread(component: str) -> core.v1.TopologySpreadConstraintArgs:
    return core.v1.TopologySpreadConstraintArgs(
        max_skew=1,
        topology_key="topology.kubernetes.io/zone",
        when_unsatisfiable="ScheduleAnyway",
        label_selector=meta.v1.LabelSelectorArgs(match_labels=selector(component)),
    )


def _spot() -> core.v1.NodeAffinityArgs:
    wanted = core.v1.NodeSelectorRequirementArgs(key=CAPACITY_TYPE, operator="In", values=[SPOT])
    term = core.v1.NodeSelectorTermArgs(match_expressions=[wanted])
    return core.v1.NodeAffinityArgs(
        preferred_during_scheduling_ignored_during_execution=[
            core.v1.PreferredSchedulingTermArgs(weight=50, preference=term)
        ]
    )
