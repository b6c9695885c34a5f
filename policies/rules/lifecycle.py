"""A container from its start to its stop: honest probes, and an end that loses nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from policies.pods import DEPLOYMENT, ROLLOUT, SERVING, pod, serving
from policies.reading import Properties, at, items, mapping, number, shown, text
from policies.rule import Break, Resource, ResourceRule
from policies.tunables import Kind, Settings, Tunable

PROBES: Final = ("startupProbe", "readinessProbe", "livenessProbe")
WAYS: Final = ("httpGet", "tcpSocket", "exec", "grpc")
"""Kinds of a probe (Kubernetes API, Probe)."""
POD: Final = "/spec/template/spec"
CONTAINER: Final = f"{POD}/containers/0"
SHELLS: Final = ("ash", "bash", "dash", "sh")
SHELL_WORDS: Final = 3
SLEEP_WORDS: Final = 2
SLEEP: Final = re.compile(r"\bsleep\s+([0-9]+(?:\.[0-9]+)?)s?(?![0-9smhd])")
NOTHING: Final = ("true", ":", "echo", "date")
"""Programs that end at once."""


def _graceful(resource: Resource, settings: Settings) -> Iterator[str]:
    least, drain = settings.number("preStopSeconds"), settings.number("drainSeconds")
    longest = 0.0
    for name, container in serving(resource):
        if not items(container.get("ports")):
            continue
        hook = mapping(at(container, "lifecycle", "preStop"))
        seconds = _pause(hook)
        if seconds is None and not mapping(hook.get("exec")) and not mapping(hook.get("httpGet")):
            yield f"{name} has no preStop; requests still come while it stops"
        elif seconds is not None and seconds < least:
            yield f"{name} sleeps {seconds:g} s before it stops; load balancers need {least:g}"
        longest = max(longest, seconds or 0)
    grace = number(pod(resource).get("terminationGracePeriodSeconds"))
    if grace is None or grace < longest + drain:
        told = "terminationGracePeriodSeconds is"
        yield f"{told} {shown(grace)}; it must be {longest + drain:g} or more, or work is cut off"


def _pause(hook: Properties) -> float | None:
    """Seconds that a hook waits: by the cluster itself, or by the program sleep; None for an unknown program."""
    command = [text(word) for word in items(at(hook, "exec", "command"))]
    program = command[0].rpartition("/")[2] if command else ""
    if program in SHELLS and len(command) == SHELL_WORDS:
        # What a script waits for later is work under way, not clients that still come.
        first = SLEEP.search(command[2])
        return float(first[1]) if first else None
    if program == "sleep" and len(command) == SLEEP_WORDS:
        return number(command[1].removesuffix("s"))
    if program in NOTHING:
        return 0.0
    return number(at(hook, "sleep", "seconds"))


def _probed(resource: Resource, settings: Settings) -> Iterator[str]:
    for name, container in serving(resource):
        for key in PROBES:
            if not mapping(container.get(key)):
                yield f"{name} has no {key}"
            elif not any(mapping(at(container, key, way)) for way in WAYS):
                yield f"{name}: {key} asks nothing; allowed are {', '.join(WAYS)}"
        ready, alive = (_question(mapping(container.get(key))) for key in ("readinessProbe", "livenessProbe"))
        if ready and ready == alive:
            yield f"{name}: liveness and readiness both ask {ready[0]}; a lost database would restart every pod"


def _question(probe: Properties) -> tuple[str, ...]:
    """HTTP request of a probe: the path without its query, and the port where one is stated."""
    asked = mapping(probe.get("httpGet"))
    path = text(asked.get("path")).partition("?")[0]
    return (path.rstrip("/") or "/", shown(asked.get("port"))) if path else ()


GRACEFUL: Final = ResourceRule(
    id="RES-03",
    name="graceful-stop",
    severity=Severity.MEDIUM,
    says="A stopping instance first lets load balancers turn away, then finishes its work.",
    why="Otherwise every rollout answers some requests with an error.",
    fix="Sleep in preStop, and give terminationGracePeriodSeconds for that and the work.",
    source="Kubernetes, pod lifecycle",
    types=(DEPLOYMENT, ROLLOUT),
    check=_graceful,
    tunables=(
        Tunable("preStopSeconds", Kind.NUMBER, 5, "shortest sleep before a stop"),
        Tunable("drainSeconds", Kind.NUMBER, 25, "time that work under way needs"),
    ),
    breaks=(
        Break("deployment", f"{CONTAINER}/lifecycle"),
        Break("deployment", f"{CONTAINER}/lifecycle/preStop/sleep/seconds", 1),
        Break("deployment", f"{CONTAINER}/lifecycle/preStop", {"exec": {"command": ["sleep", "1"]}}),
        Break("deployment", f"{POD}/terminationGracePeriodSeconds", 10),
        Break("deployment", f"{POD}/terminationGracePeriodSeconds"),
    ),
)

PROBED: Final = ResourceRule(
    id="WRK-07",
    name="probes",
    severity=Severity.HIGH,
    says="Long-running containers have three probes, and liveness asks something else than readiness.",
    why="Without readiness traffic goes to what cannot answer; with the same question an outage of the database "
    "becomes a storm of restarts.",
    fix="Ask the process alone for liveness and startup, and what it needs for readiness.",
    source="Checkov CKV_K8S_8, CKV_K8S_9; kube-score, pod-probes",
    types=SERVING,
    check=_probed,
    breaks=(
        Break("deployment", f"{CONTAINER}/livenessProbe"),
        Break("deployment", f"{CONTAINER}/readinessProbe"),
        Break("deployment", f"{CONTAINER}/startupProbe"),
        Break("deployment", f"{CONTAINER}/livenessProbe/httpGet/path", "/ready"),
        Break("store", f"{CONTAINER}/readinessProbe"),
    ),
)

AREA: Final = "Resilience"
RULES: Final = (GRACEFUL, PROBED)
