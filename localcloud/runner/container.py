"""One container as a process: started, probed, restarted by its pod's policy, ended by SIGTERM, then SIGKILL."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
from lightkube.models.core_v1 import Container, Probe

from localcloud.runner.child import end, end_what_it_started, ended_within, spawn
from localcloud.runner.images import Process
from localcloud.runner.probes import ask
from localcloud.runner.reloader import Reloader

_FIRST_PROCESS = re.compile(r"\b(kill\s+-\w+)\s+1\b")
BACKOFF_FIRST_SECONDS = 10.0
BACKOFF_MOST_SECONDS = 300.0
RENEW_GRACE_SECONDS = 0.3
"""Time to end that a container has which is restarted with other code: a person waits for it."""
RENEWED_READY_SECONDS = 30.0
EAGER_SECONDS = 0.1
"""Interval of the probes of a restarted container until it is ready."""


def _longer(backoff: float) -> float:
    return min(2 * backoff, BACKOFF_MOST_SECONDS)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class ContainerState:
    """State of a container, as a kubelet reports it. ``reason`` and ``message`` are of waiting or of the end."""

    phase: str = "waiting"
    reason: str = "ContainerCreating"
    message: str = ""
    started_at: str = ""
    finished_at: str = ""
    exit_code: int = 0
    started: bool = False
    ready: bool = False
    restarts: int = 0
    pid: int | None = None


@dataclass
class RunningContainer:
    """The life of one container. ``changed`` is called whenever the state has something new to report."""

    spec: Container
    address: str
    log: Path
    http: httpx.AsyncClient
    changed: Callable[[], None]
    state: ContainerState = field(default_factory=ContainerState)
    _child: asyncio.subprocess.Process | None = None
    _process: Process | None = None
    _renewed: asyncio.Event = field(default_factory=asyncio.Event)
    _eager: bool = False
    _reloader: Reloader | None = None
    _probing: asyncio.Task[None] | None = None

    async def run(self, make: Callable[[], Process], policy: str) -> int:
        """Runs until the policy is satisfied and gives the last exit code. What ``make`` raises is the caller's."""
        backoff = BACKOFF_FIRST_SECONDS
        while True:
            self._process = await asyncio.to_thread(make)
            if self._process.prepare:
                await asyncio.to_thread(self._process.prepare)
            code = await self._once(self._process)
            if policy == "Never" or (policy == "OnFailure" and code == 0):
                return code
            self._waiting("CrashLoopBackOff", f"back-off {backoff:.0f}s restarting, last exit code {code}")
            backoff = BACKOFF_FIRST_SECONDS if await self._renewed_within(backoff) else _longer(backoff)
            self.state.restarts += 1

    async def renew(self, *, in_place: bool) -> str:
        """Restarts the container at once, out of a back-off too; ``in_place`` only its program, where it can. Why it is
        not ready again, else empty.
        """
        if not (in_place and await self._reloaded()):
            self._renewed.set()
            if self._child is not None and self._child.returncode is None:
                await end(self._child, RENEW_GRACE_SECONDS)
        deadline = time.monotonic() + RENEWED_READY_SECONDS
        while time.monotonic() < deadline:
            if not self._renewed.is_set():
                if self.state.ready:
                    return ""
                if self.state.phase != "running":
                    return f"ended with exit code {self.state.exit_code}"
            await asyncio.sleep(EAGER_SECONDS / 5)
        return self.state.message or f"not ready after {RENEWED_READY_SECONDS:.0f} s"

    async def _reloaded(self) -> bool:
        if self._reloader is None or self._child is None:
            return False
        await self._stop_probing()
        if not await self._reloader.reload():
            return False
        self._eager = True
        self.state.restarts += 1
        self._begun(self._child.pid)
        return True

    async def _renewed_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._renewed.wait()
        return self._renewed.is_set()

    async def stop(self, grace_seconds: float, *, hook: bool = True) -> None:
        """preStop, if the ``hook`` has clients to wait for; SIGTERM, and after the grace time SIGKILL."""
        child = self._child
        if child is None or child.returncode is not None:
            return
        self.state.ready = False
        self.changed()
        began = time.monotonic()
        declared = self.spec.lifecycle.preStop if self.spec.lifecycle and hook else None
        if declared and declared.sleep:
            await ended_within(child, min(float(declared.sleep.seconds), grace_seconds))
        elif declared and declared.exec and declared.exec.command:
            await self._pre_stop(child, declared.exec.command, grace_seconds)
        left = grace_seconds - (time.monotonic() - began)
        await end(child, max(left, 1.0))

    async def _pre_stop(self, child: asyncio.subprocess.Process, command: Sequence[str], seconds: float) -> None:
        """The hook, until it or the container ends. In its container the process would have number one."""
        own = [_FIRST_PROCESS.sub(rf"\1 {child.pid}", word) for word in command]
        waiting = {asyncio.create_task(self.execute(own, seconds)), asyncio.create_task(child.wait())}
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def execute(self, command: Sequence[str], seconds: float) -> int:
        """A command inside the container: a program of its image, with its environment."""
        process = self._process
        if process is None:
            return 1
        program = process.programs.get(command[0], (command[0],))
        child = await spawn((*program, *command[1:]), process.environment, process.identity, asyncio.subprocess.DEVNULL)
        try:
            if await ended_within(child, seconds):
                return child.returncode or 0
            return 124
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
            end_what_it_started(child)

    async def _once(self, process: Process) -> int:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if process.reloads:
            self._child, self._reloader = await Reloader.start(process, self.log)
        else:
            with self.log.open("ab") as log:
                self._child = await spawn(process.argv, process.environment, process.identity, log.fileno())
        self._eager = self._renewed.is_set()
        self._renewed.clear()
        self._begun(self._child.pid)
        try:
            code = await self._child.wait()
            end_what_it_started(self._child)
        finally:
            if self._reloader is not None:
                self._reloader.close()
                self._reloader = None
            await self._stop_probing()
        state = self.state
        code = code if code >= 0 else 128 - code
        state.phase, state.exit_code, state.finished_at, state.ready = "terminated", code, now(), False
        state.reason = "Completed" if code == 0 else "Error"
        state.started, state.pid = False, None
        self.changed()
        return code

    def _begun(self, pid: int) -> None:
        state = self.state
        state.phase, state.reason, state.message, state.pid = "running", "", "", pid
        state.started_at, state.ready = now(), False
        state.started = self.spec.startupProbe is None
        self.changed()
        self._probing = asyncio.create_task(self._probe())

    async def _stop_probing(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)

    async def _probe(self) -> None:
        """Startup first; then readiness and liveness beside each other. Without a readiness probe started is ready."""
        if self.spec.startupProbe and not await self._until_success(self.spec.startupProbe):
            self._kill("startup probe failed")
            return
        self.state.started = True
        if self.spec.readinessProbe is None:
            self.state.ready = True
        self.changed()
        watches = [self._watch_readiness(self.spec.readinessProbe)] if self.spec.readinessProbe else []
        watches += [self._watch_liveness(self.spec.livenessProbe)] if self.spec.livenessProbe else []
        await asyncio.gather(*watches)

    async def _until_success(self, probe: Probe) -> bool:
        """As many attempts as are declared; a restarted container is asked more often in the same time."""
        await asyncio.sleep(0 if self._eager else probe.initialDelaySeconds or 0)
        declared = (probe.failureThreshold or 3) * (probe.periodSeconds or 10)
        pause = self._pause(probe)
        for _ in range(round(declared / pause)):
            self.state.message = await self._ask(probe) or ""
            if not self.state.message:
                return True
            await asyncio.sleep(pause)
        return False

    async def _delay(self, probe: Probe) -> None:
        """Rest of the declared delay, which counts from the container's start."""
        if not self._eager:
            await asyncio.sleep(max(0.0, (probe.initialDelaySeconds or 0) - self._age_seconds()))

    def _pause(self, probe: Probe) -> float:
        return EAGER_SECONDS if self._eager and not self.state.ready else probe.periodSeconds or 10

    async def _watch_readiness(self, probe: Probe) -> None:
        await self._delay(probe)
        failures = 0
        while True:
            problem = await self._ask(probe)
            failures = failures + 1 if problem else 0
            ready = problem is None or (self.state.ready and failures < (probe.failureThreshold or 3))
            if ready != self.state.ready or (problem or "") != self.state.message:
                self.state.ready, self.state.message = ready, problem or ""
                self.changed()
            await asyncio.sleep(self._pause(probe))

    async def _watch_liveness(self, probe: Probe) -> None:
        await self._delay(probe)
        failures = 0
        while failures < (probe.failureThreshold or 3):
            failures = failures + 1 if await self._ask(probe) else 0
            await asyncio.sleep(probe.periodSeconds or 10)
        self._kill("liveness probe failed")

    async def _ask(self, probe: Probe) -> str | None:
        return await ask(probe, self.spec, self.address, self.execute, self.http)

    def _age_seconds(self) -> float:
        started = datetime.strptime(self.state.started_at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        return (datetime.now(UTC) - started).total_seconds()

    def _kill(self, reason: str) -> None:
        self.state.message = reason
        if self._child and self._child.returncode is None:
            self._child.kill()

    def _waiting(self, reason: str, message: str) -> None:
        self.state.phase, self.state.reason, self.state.message = "waiting", reason, message
        self.changed()
