"""The life of one pod on this machine: volumes, variables, containers, status, and its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
from lightkube import ApiError, AsyncClient
from lightkube.models.core_v1 import Container
from lightkube.resources.core_v1 import ConfigMap, Pod, Secret
from lightkube.types import PatchType

from localcloud.runner import images, variables, volumes, web_identity
from localcloud.runner.container import ContainerState, RunningContainer, now
from localcloud.runner.images import ImageError, Machine, Process, Start
from localcloud.runner.insisting import insist
from localcloud.runner.status import PodStatus, contradicts, pod_status
from localcloud.runner.variables import MissingReference, References
from localcloud.servers import ServerError

log = logging.getLogger(__name__)
DEFAULT_GRACE_SECONDS = 30
RETRY_SECONDS = 1.0
CORRECTION_SECONDS = 1.0
"""Pause before a status that another client has changed is written again: no race with one that keeps changing it."""


@dataclass(frozen=True)
class Node:
    """Node that every pod of a region shares. Folders: ``pods`` go with their pods, ``claims`` and ``logs`` stay."""

    region: str
    client: AsyncClient
    http: httpx.AsyncClient
    machine: Machine
    folder: Path

    @property
    def pods(self) -> Path:
        return self.folder / "pods"

    @property
    def claims(self) -> Path:
        return self.folder / "claims"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"


@dataclass
class RunningPod:
    """A pod being run. ``pod`` is its newest version as the API server has it."""

    pod: Pod
    address: str
    node: Node
    _containers: dict[str, RunningContainer] = field(default_factory=dict)
    _started_at: str = field(default_factory=now)
    _dirty: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        return self.pod.metadata.name  # type: ignore[union-attr]

    @property
    def namespace(self) -> str:
        return self.pod.metadata.namespace  # type: ignore[union-attr]

    @property
    def folder(self) -> Path:
        return self.node.pods / str(self.pod.metadata.uid)  # type: ignore[union-attr]

    async def run(self) -> None:
        """Runs the containers until they end by themselves or the task is cancelled; reports all the while."""
        assert self.pod.spec is not None
        self._containers = {spec.name: self._container(spec) for spec in self.pod.spec.containers}
        reporting = asyncio.create_task(self._report())
        try:
            policy = self.pod.spec.restartPolicy or "Always"
            await asyncio.gather(*(self._run(container, policy) for container in self._containers.values()))
            await self._write_status()
        finally:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)

    def observe(self, pod: Pod) -> None:
        """Takes the pod's newest version; a status in it that is not what its containers say is put right."""
        self.pod = pod
        if self._containers and contradicts(pod, self._states):
            asyncio.get_running_loop().call_later(CORRECTION_SECONDS, self._dirty.set)

    async def fail(self, message: str) -> None:
        """The pod's end when it could not be run at all: its controller and people see why."""
        await self.stop(0)
        await self._patch({"phase": "Failed", "reason": "RunnerError", "message": message})

    async def stop(self, grace_seconds: float, *, hooks: bool = True) -> None:
        await asyncio.gather(*(one.stop(grace_seconds, hook=hooks) for one in self._containers.values()))

    async def renew(self, *, in_place: bool) -> dict[str, str]:
        """Restarts what runs the application and goes on for ever; a job is left to its end. Pod name to the reason why
        it is not ready again, empty where it is.
        """
        policy = (self.pod.spec.restartPolicy if self.pod.spec else None) or "Always"
        own = [one for one in self._containers.values() if images.is_application(one.spec.image or "")]
        if policy != "Always" or not own:
            return {}
        said = await asyncio.gather(*(one.renew(in_place=in_place) for one in own))
        return {self.name: "; ".join(filter(None, said))}

    def clean(self) -> None:
        volumes.remove(self.folder)

    def process_ids(self) -> list[int]:
        return [one.state.pid for one in self._containers.values() if one.state.pid is not None]

    def _container(self, spec: Container) -> RunningContainer:
        path = self.node.logs / self.namespace / f"{self.name}.{spec.name}.log"
        return RunningContainer(spec, self.address, path, self.node.http, self._dirty.set)

    async def _run(self, container: RunningContainer, policy: str) -> None:
        """A container whose references are missing waits for them; one that can never start says so and waits too."""
        while True:
            try:
                identity = await web_identity.variables(self.node.client, self.pod, self.folder)
                make = partial(self._process, container.spec, await self._references(), identity)
                await container.run(make, policy)
                return
            except MissingReference as missing:
                container.state.reason, container.state.message = "CreateContainerConfigError", str(missing)
            except (ImageError, ServerError, OSError) as error:
                container.state.reason, container.state.message = "RunContainerError", str(error)
            container.state.phase = "waiting"
            self._dirty.set()
            await asyncio.sleep(RETRY_SECONDS)

    def _process(self, spec: Container, references: References, identity: Mapping[str, str]) -> Process:
        image = spec.image or ""
        claims = self.node.claims / self.namespace
        made = volumes.prepare(self.pod, references, self.folder, claims, images.owner_of(image))
        mounted = volumes.mounts(spec, made)
        values = variables.environment(self.pod, spec, references, self.address)
        seen = {name: volumes.translated(value, mounted) for name, value in values.items()}

        def words(texts: list[str] | None) -> tuple[str, ...]:
            return tuple(volumes.translated(variables.expand(text, values), mounted) for text in texts or [])

        home = mounted.get("/tmp", self.folder)
        return images.process(
            image,
            Start(
                command=words(spec.command),
                arguments=words(spec.args),
                environment=seen,
                address=self.address,
                namespace=self.namespace,
                region=self.node.region,
                home=home,
                machine=self.node.machine,
                translated=lambda text: volumes.translated(text, mounted),
                identity=identity,
            ),
        )

    async def _references(self) -> References:
        names = _named(self.pod)
        config_maps = {name: await self._get(ConfigMap, name) for name in names.config_maps}
        secrets = {name: await self._get(Secret, name) for name in names.secrets}
        return References(
            {name: variables.texts(found) for name, found in config_maps.items() if isinstance(found, ConfigMap)},
            {name: variables.decoded(found) for name, found in secrets.items() if isinstance(found, Secret)},
        )

    async def _get(self, kind: type[ConfigMap] | type[Secret], name: str) -> ConfigMap | Secret | None:
        return await insist(lambda: self.node.client.get(kind, name, namespace=self.namespace), f"reading {name}")

    async def _report(self) -> None:
        """A status that is refused is no reason to write none that comes after it."""
        while True:
            self._dirty.clear()
            try:
                await self._write_status()
            except ApiError as error:
                log.error("status of %s/%s was refused: %s", self.namespace, self.name, error)
            await self._dirty.wait()

    @property
    def _states(self) -> Mapping[str, ContainerState]:
        return {name: container.state for name, container in self._containers.items()}

    async def _write_status(self) -> None:
        await self._patch(pod_status(self.pod, self._states, self.address, self._started_at))

    async def _patch(self, status: PodStatus | Mapping[str, str]) -> None:
        await insist(
            lambda: self.node.client.patch(
                Pod.Status, self.name, {"status": status}, namespace=self.namespace, patch_type=PatchType.STRATEGIC
            ),
            f"status of {self.name}",
        )


@dataclass(frozen=True)
class Named:
    """Names of the config maps and secrets a pod refers to."""

    config_maps: frozenset[str]
    secrets: frozenset[str]


def _named(pod: Pod) -> Named:
    assert pod.spec is not None
    config_maps: set[str | None] = set()
    secrets: set[str | None] = set()
    for volume in pod.spec.volumes or []:
        config_maps.add(volume.configMap.name if volume.configMap else None)
        secrets.add(volume.secret.secretName if volume.secret else None)
        secrets.update(volumes.projected_secrets(volume))
    for container in pod.spec.containers:
        for source in container.envFrom or []:
            config_maps.add(source.configMapRef.name if source.configMapRef else None)
            secrets.add(source.secretRef.name if source.secretRef else None)
        for variable in container.env or []:
            if variable.valueFrom:
                reference = variable.valueFrom
                config_maps.add(reference.configMapKeyRef.name if reference.configMapKeyRef else None)
                secrets.add(reference.secretKeyRef.name if reference.secretKeyRef else None)
    return Named(frozenset(filter(None, config_maps)), frozenset(filter(None, secrets)))
