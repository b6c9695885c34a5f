"""Workload of TEMPLATE_name: one service that answers the API and shows the page."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from stacks.specs.workload import Pool, WorkloadSpec

WEB: Final = "web"

VARIABLES: Final = MappingProxyType({"ITEM_ROWS": "50"})
"""Variables of its own, beside those that every workload has; secrets never stand here."""

WORKLOADS: Final = (
    WorkloadSpec(
        name=WEB,
        arguments=("serve", "--role", "TEMPLATE_name"),
        pool=Pool(5, 10),
        memory_request="256Mi",
        cpu_request="250m",
        public=True,
        holds_application_keys=True,
        variables=VARIABLES,
    ),
)
