"""Controllers that are off on the embedded cloud are missed by no stack."""

from __future__ import annotations

import re

from localcloud.cluster import IDLE_CONTROLLERS
from tests.unit.engine import RecordingEngine

TASK = re.compile(r"(-(approving|cleaner|protection|signing|status))?-controller$")
"""Part of a controller's name that follows the kind."""


def test_no_stack_declares_a_kind_whose_controller_is_off(every: RecordingEngine) -> None:
    kinds = {one.type.rpartition(":")[2].lower() for one in every.resources if one.type.startswith("kubernetes:")}
    assert "deployment" in kinds
    assert [name for name in IDLE_CONTROLLERS if TASK.sub("", name).replace("-", "") in kinds] == []
    volumes = [pod.at("spec", "template", "spec", "volumes") or [] for pod in every.resources]
    assert [one for found in volumes for one in found if "ephemeral" in one] == []  # type: ignore[union-attr]
