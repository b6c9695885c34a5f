"""Parts of one process of workflow-dashboard's back end."""

from dataclasses import dataclass

from app.core_services import CoreServices, build_core
from app.lifecycle import Lifecycle
from app.schema import Schema
from app.service_settings import ServiceSettings
from app.workflow_dashboard.cached_list import CachedList
from app.workflow_dashboard.current_list import CurrentList
from app.workflow_dashboard.history import HISTORY
from app.workflow_dashboard.store import WorkflowStore


@dataclass(frozen=True, kw_only=True)
class DashboardServices(CoreServices):
    """The parts a request handler of workflow-dashboard may use."""

    workflows: WorkflowStore
    listed: CachedList


def build(settings: ServiceSettings, lifecycle: Lifecycle) -> DashboardServices:
    """Put the parts together; nothing runs and nothing is connected yet."""
    core = build_core(settings, lifecycle, Schema(HISTORY.parts()))
    workflows = WorkflowStore(core.database)
    listed = CachedList(core.redis, CurrentList(core.database, workflows))
    return DashboardServices(**vars(core), workflows=workflows, listed=listed)
