"""Load on a Deployment, simulated by what its pods say they use or by jobs that nobody takes, and what the autoscaler
makes of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.engine.world import World

TICK_SECONDS = 3.0
JOBS_WAIT = """
INSERT INTO pgqueuer (priority, status, entrypoint)
SELECT 0, 'queued', 'nobody_works_on_these' FROM generate_series(1, 450) RETURNING id
"""
JOBS_GO = "DELETE FROM pgqueuer WHERE entrypoint = 'nobody_works_on_these' RETURNING id"
MOST_JOBS_GO = """
DELETE FROM pgqueuer WHERE id IN (
  SELECT id FROM pgqueuer WHERE entrypoint = 'nobody_works_on_these' ORDER BY id LIMIT 400
) RETURNING id
"""


@dataclass(frozen=True)
class Scaling:
    """One Deployment in one region of a stack."""

    world: World
    stack: str
    name: str
    region: str = "us-east-1"

    def replicas(self) -> int:
        return int(self._kubectl("get", "deployment", self.name, "-o", "jsonpath={.spec.replicas}"))

    def use(self, cpu: str) -> None:
        """Every pod of now uses that much of a core; a pod that comes later uses next to nothing until told."""
        selector = f"app.kubernetes.io/name={self.name}"
        self._kubectl("annotate", "pods", "-l", selector, "--overwrite", f"kwok.x-k8s.io/usage-cpu={cpu}")

    def noticed(self, cpu: str, seconds: float = 120) -> None:
        """Every pod uses that much, and the autoscaler has decided by it. Fails when that does not come in time."""
        path = '{.status.currentMetrics[?(@.resource.name=="cpu")].resource.current.averageValue}'
        found = ""
        for _ in _ticks(seconds):
            self.use(cpu)
            if (found := self._kubectl("get", "hpa", self.name, "-o", f"jsonpath={path}")) == cpu:
                return
        raise AssertionError(f"the autoscaler of {self.name} still sees {found} and not {cpu} after {seconds:.0f} s")

    def under(self, cpu: str, *, until: int, seconds: float) -> list[int]:
        """The replica counts, each change once, while every pod uses ``cpu``; ends when ``until`` is reached."""
        return self._seen(until, seconds, lambda: self.use(cpu))

    def rising(self, *, until: int, seconds: float) -> list[int]:
        """The same by itself: whatever makes it grow stands somewhere else."""
        return self._seen(until, seconds, lambda: None)

    def wait_before_falling(self, seconds: int) -> None:
        """Have KEDA's autoscaler take instances away when fewer were wanted for so long."""
        window = {"scaleDown": {"stabilizationWindowSeconds": seconds}}
        change = {"spec": {"advanced": {"horizontalPodAutoscalerConfig": {"behavior": window}}}}
        self._kubectl("patch", "scaledobjects.keda.sh", self.name, "--type=merge", "-p", json.dumps(change))

    def ready(self, count: int, seconds: float) -> None:
        """Return when so many pods are ready. Fails when that does not come in time."""
        path, found = "{.status.readyReplicas}", ""
        for _ in _ticks(seconds):
            found = self._kubectl("get", "deployment", self.name, "-o", f"jsonpath={path}")
            if found == str(count):
                return
        raise AssertionError(f"{found or 'no'} pods of {self.name} are ready after {seconds:.0f} s, not {count}")

    def _seen(self, until: int, seconds: float, each_time: Callable[[], None]) -> list[int]:
        seen: list[int] = []
        for _ in _ticks(seconds):
            each_time()
            if [self.replicas()] != seen[-1:]:
                seen.append(self.replicas())
            if seen[-1] >= until:
                break
        return seen

    def falling(self, *, to: int, seconds: float) -> list[tuple[float, int]]:
        """Time at which each lower count was first seen, down to ``to``. Fails by itself when that does not come in
        time.
        """
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
        return self.world.kubectl(self.stack, "-n", "contentgen", *arguments, region=self.region)


def _ticks(seconds: float) -> Iterator[float]:
    """The time, every few seconds until the end."""
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        yield now
        time.sleep(TICK_SECONDS)
