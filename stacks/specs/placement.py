"""Placement of a workload's pods on nodes."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

NODE_TYPE: Final = "node-type"
SPOT: Final = "spot"
"""Document D's label of spot nodes."""

GPU: Final = "gpu"
GPU_RESOURCE: Final = "nvidia.com/gpu"
"""Document C's label of nodes with a GPU; the GPUs of a node as NVIDIA's device plugin counts them, which is also the
taint that keeps other pods off.
"""


class Spot(StrEnum):
    """Use of spot nodes, which cost less and may go at any time (requirement K12)."""

    PREFERRED = "preferred"
    REQUIRED = "required"
