"""Load on a Deployment, simulated by what its pods say they use, and what the autoscaler makes of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.engine.world import World

TICK_SECONDS = 3.0


@dataclass(frozen=True)
class Scaling:
    """One Deployment in the first region of a stack."""

    world: World
    stack: str
    name: str

    def replicas(self) -> int:
        return int(self._kubectl("get", "deployment", self.name, "-o", "jsonpath={.spec.replicas}"))

    def use(self, cpu: str) -> None:
        """Every pod of now uses that much of a core; a pod that comes later uses next to nothing until told."""
        selector = f"app.kubernetes.io/name={self.name}"
        self._kubectl("annotate", "pods", "-l", selector, "--overwrite", f"kwok.x-k8s.io/usage-cpu={cpu}")

    def under(self, cpu: str, *, until: int, seconds: float) -> list[int]:
        """The replica counts, each change once, while every pod uses ``cpu``; ends when ``until`` is reached."""
        seen: list[int] = []
        for _ in _ticks(seconds):
            self.use(cpu)
            if [self.replicas()] != seen[-1:]:
                seen.append(self.replicas())
            if seen[-1] >= until:
                break
        return seen

    def falling(self, *, to: int, seconds: float) -> list[tuple[float, int]]:
        """When each lower count was first seen, down to ``to``. Fails by itself when that does not come in time."""
        steps: list[tuple[float, int]] = []
        before = self.replicas()
        for now in _ticks(seconds):
            count = self.replicas()
            if count < before:
                steps.append((now, count))
                before = count
            if count <= to:
                return steps
        raise AssertionError(f"{self.name} still has {before} replicas after {seconds:.0f} s; steps: {steps}")

    def _kubectl(self, *arguments: str) -> str:
        return self.world.kubectl(self.stack, "-n", "contentgen", *arguments)


def _ticks(seconds: float) -> Iterator[float]:
    """The time, every few seconds until the end."""
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        yield now
        time.sleep(TICK_SECONDS)
