"""Workloads of a stack that go to one instance without requests (requirement K10). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from infra.settings.stack import StackSettings
from stacks.specs.idling import IDLE_INSTANCES, NOTED_SECONDS, Idling
from stacks.specs.workload import Workload


def idled(settings: StackSettings, workloads: Iterable[Workload]) -> tuple[Workload, ...]:
    """The workloads, each with its rule if it begins with more than one instance and an autoscaler moves it."""
    if not settings.idles:
        return tuple(workloads)
    return tuple(
        replace(one, idle=_rule(settings.idle.seconds, one))
        if one.autoscaled and one.size.minimum > IDLE_INSTANCES
        else one
        for one in workloads
    )


def _rule(seconds: int, workload: Workload) -> Idling:
    """The autoscaler waits before it takes an instance away: the time that is left is the request's."""
    waits = workload.behaviour.down_window_seconds if workload.queue is None else workload.queue.idle_seconds
    return Idling(max(NOTED_SECONDS, seconds - waits), workload.name if workload.notes_requests else None)
