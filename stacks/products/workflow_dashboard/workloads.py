"""Workloads of workflow-dashboard (requirement Z02)."""

from __future__ import annotations

from typing import Final

from stacks.specs.workload import FRONTEND_PORT, Pool, WorkloadSpec

BACKEND: Final = "backend"
FRONTEND: Final = "frontend"

WORKLOADS: Final = (
    WorkloadSpec(
        name=BACKEND,
        arguments=("serve", "--role", "workflows"),
        pool=Pool(20, 40),
        memory_request="256Mi",
        cpu_request="250m",
        autoscaled=False,
        public=True,
        holds_application_keys=True,
    ),
    WorkloadSpec(
        name=FRONTEND,
        arguments=("serve", "--role", "workflows-page"),
        pool=None,
        memory_request="128Mi",
        cpu_request="100m",
        autoscaled=False,
        public=True,
        port=FRONTEND_PORT,
    ),
)
"""The back end keeps workflows and their tasks, the front end shows the page. Both have a fixed number of instances: a
fourth back end would open more connections than the pooler takes (B: 20 + 40 a process, 200 clients; Y03).
"""
