"""Watches a region's pods and runs those whose images can be run here."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from lightkube.resources.core_v1 import Pod

from localcloud.runner.addresses import AddressPool, as_loopback
from localcloud.runner.images import image_name
from localcloud.runner.insisting import insist
from localcloud.runner.pod import DEFAULT_GRACE_SECONDS, Node, RunningPod
from localcloud.runner.watching import watch

log = logging.getLogger(__name__)
_ENDED = ("Succeeded", "Failed")


@dataclass
class Kubelet:
    """The pods of one region."""

    node: Node
    addresses: AddressPool
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _pods: dict[str, RunningPod] = field(default_factory=dict)
    _ending: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        async for operation, pod in watch(self.node.client, Pod):
            self._observe(operation, pod)

    async def stop(self) -> None:
        """Ends every process without telling the API server: the pods are started again with the next runner.

        Without their preStop hooks: they wait for clients to turn elsewhere, and the edge is closed already.
        """
        await asyncio.gather(*(self._halt(uid, 10, hooks=False) for uid in list(self._pods)))

    async def renew(self, *, in_place: bool) -> dict[str, str]:
        """Restarts the application's pods. Pod name to the reason why it is not ready again, empty where it is."""
        running = [pod for uid, pod in self._pods.items() if uid not in self._ending]
        found: dict[str, str] = {}
        for one in await asyncio.gather(*(pod.renew(in_place=in_place) for pod in running)):
            found |= one
        return found

    def _observe(self, operation: str, pod: Pod) -> None:
        assert pod.metadata is not None
        assert pod.spec is not None
        uid = str(pod.metadata.uid)
        if not all(image_name(container.image or "") for container in pod.spec.containers):
            return
        if operation == "DELETED":
            if uid in self._pods and uid not in self._ending:
                self._ending[uid] = asyncio.create_task(self._end(uid, pod, 1, exists=False))
        elif pod.metadata.deletionTimestamp is not None:
            if uid not in self._ending:
                grace = pod.metadata.deletionGracePeriodSeconds
                seconds = DEFAULT_GRACE_SECONDS if grace is None else grace
                self._ending[uid] = asyncio.create_task(self._end(uid, pod, seconds))
        elif uid in self._pods:
            self._pods[uid].observe(pod)
        elif pod.spec.nodeName and (pod.status is None or pod.status.phase not in _ENDED):
            running = RunningPod(pod, self._address(pod), self.node)
            self._pods[uid] = running
            self._tasks[uid] = asyncio.create_task(self._guarded(running))

    def _address(self, pod: Pod) -> str:
        """The one the pod already has, when it ran under an earlier runner: clients keep using the known one."""
        told = pod.status.podIP if pod.status else None
        before = as_loopback(told) if told else None
        if before is not None and self.addresses.claim(before):
            return before
        return self.addresses.take(_steady_name(pod))

    async def _guarded(self, running: RunningPod) -> None:
        """Report a fault of the runner's own as the pod's failure, so that no pod is left without a status."""
        try:
            await running.run()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("pod %s/%s", running.namespace, running.name)
            await running.fail(f"the runner: {type(error).__name__}: {error}")

    async def _end(self, uid: str, pod: Pod, grace_seconds: float, *, exists: bool = True) -> None:
        running = self._pods.get(uid)
        await self._halt(uid, grace_seconds)
        if running is not None:
            await asyncio.to_thread(running.clean)
            self.addresses.give_back(running.address)
        if exists:
            await self._remove(pod)
        self._ending.pop(uid, None)

    async def _remove(self, pod: Pod) -> None:
        """The last word of a kubelet: the object goes once the processes are gone."""
        assert pod.metadata is not None
        name, namespace = str(pod.metadata.name), pod.metadata.namespace
        await insist(
            lambda: self.node.client.delete(Pod, name, namespace=namespace, grace_period=0), f"removing pod {name}"
        )

    async def _halt(self, uid: str, grace_seconds: float, *, hooks: bool = True) -> None:
        running, task = self._pods.pop(uid, None), self._tasks.pop(uid, None)
        if running is not None:
            await running.stop(grace_seconds, hooks=hooks)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _steady_name(pod: Pod) -> str:
    """Name that a pod of a StatefulSet keeps over restarts; other pods are new each time."""
    assert pod.metadata is not None
    owners = pod.metadata.ownerReferences or []
    steady = any(owner.kind == "StatefulSet" for owner in owners)
    return f"{pod.metadata.namespace}/{pod.metadata.name}" if steady else ""
