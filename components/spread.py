"""Placement of a component's pods: anti-affinity, topology spread, spot tolerations (requirements K05, K12)."""

from __future__ import annotations

from typing import Final

from pulumi_kubernetes import core, meta

from components.labels import selector
from stacks.specs.placement import GPU, GPU_RESOURCE, NODE_TYPE, SPOT, Spot

CAPACITY_TYPE: Final = "karpenter.sh/capacity-type"


def anti_affinity(component: str) -> core.v1.PodAntiAffinityArgs:
    """Preferred, not required: a full cluster runs two on a node rather than one nowhere."""
    term = core.v1.PodAffinityTermArgs(
        topology_key="kubernetes.io/hostname",
        label_selector=meta.v1.LabelSelectorArgs(match_labels=selector(component)),
    )
    preferred = core.v1.WeightedPodAffinityTermArgs(weight=100, pod_affinity_term=term)
    return core.v1.PodAntiAffinityArgs(preferred_during_scheduling_ignored_during_execution=[preferred])


def affinity(component: str, spot: Spot | None = None) -> core.v1.AffinityArgs:
    """Apart from its own kind; on spot nodes where the component prefers them."""
    return core.v1.AffinityArgs(
        pod_anti_affinity=anti_affinity(component), node_affinity=_spot() if spot is Spot.PREFERRED else None
    )


def node_selector(spot: Spot | None, gpu: str | None = None) -> dict[str, str] | None:
    """Document D's label of spot nodes and document C's of GPUs: without such a node its pods wait."""
    chosen = {**({NODE_TYPE: SPOT} if spot is Spot.REQUIRED else {}), **({GPU: gpu} if gpu else {})}
    return chosen or None


def tolerations(spot: Spot | None, gpu: str | None = None) -> list[core.v1.TolerationArgs] | None:
    """Taints of spot nodes, as Karpenter and as document D's node groups name them, and of nodes with a GPU."""
    keys = {None: (), Spot.PREFERRED: (CAPACITY_TYPE,), Spot.REQUIRED: (CAPACITY_TYPE, NODE_TYPE)}[spot]
    found = [core.v1.TolerationArgs(key=key, operator="Equal", value=SPOT, effect="NoSchedule") for key in keys]
    if gpu is not None:
        found.append(core.v1.TolerationArgs(key=GPU_RESOURCE, operator="Exists", effect="NoSchedule"))
    return found or None


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
